"""What the figures of detection are called wherever people read them."""

FRACTIONS = {
    "frame_accuracy": "frame accuracy",
    "mean_class_accuracy": "frame accuracy, mean over classes",
    "frame_map": "frame mAP",
    "calibrated_frame_map": "frame mAP, calibrated",
    "f1_10": "segmental F1 at 10 %",
    "f1_25": "segmental F1 at 25 %",
    "f1_50": "segmental F1 at 50 %",
    "edit": "edit score",
    "temporal_map_10": "temporal mAP at 10 %",
    "temporal_map_30": "temporal mAP at 30 %",
    "temporal_map_50": "temporal mAP at 50 %",
    "temporal_map_70": "temporal mAP at 70 %",
    "temporal_map": "temporal mAP, mean of 10 to 70 %",
}
"""Of the figures from 0 to 1, by their names in a `DetectionResult`."""
