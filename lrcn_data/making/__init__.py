"""Making a data set: the plan, the jobs, the workers that do them, and the whole run."""
