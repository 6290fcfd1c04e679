"use strict";
(() => {
  const ROW_OF_FRAMES = 16;   // frames that are shown at full width; more of them share it
  const NUMBERS = 40;         // frames whose scores are written as numbers; more are only shaded
  const CARDS = 12;           // cards of a gallery until more are asked for
  const COLOURS = ["#4a86e8", "#e0762d", "#2ea36f", "#b165d6", "#d64f66", "#8f949c", "#b59b1e", "#21a5b5"];
  const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

  const make = (tag, values = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(values)) {
      if (name === "class") node.className = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  };
  const percent = (share) => `${(100 * share).toFixed(share > 0.995 && share < 1 ? 2 : 1)} %`;
  const names = (run, numbers) => numbers.map((number) => run.classes[number]).join(", ") || "none";
  const byNumber = (compare) => (one, other) => compare(one) - compare(other);

  /* clips: which are meant, and how one is shown */

  const showsFrames = (kind) => kind !== "videos";
  const isIn = (clip, kind, label, found) => {
    if (!showsFrames(kind)) return clip.t[0] === label && clip.f[0] === found;
    return clip.a.some((best, frame) => clip.l[frame] === label && best === found);
  };

  // of a set of classes, what is missing and what is too much
  const verdict = (run, clip) => {
    if (clip.ok) return [make("span", { class: "right" }, names(run, clip.t))];
    if (clip.p !== null) return [make("span", {}, names(run, clip.t)), make("span", { class: "wrong" }, ` ✕ ${names(run, clip.f)}`)];
    const missed = clip.t.filter((number) => !clip.f.includes(number));
    const wrongly = clip.f.filter((number) => !clip.t.includes(number));
    const parts = [];
    if (missed.length) parts.push(make("span", {}, `missed: ${names(run, missed)} `));
    if (wrongly.length) parts.push(make("span", { class: "wrong" }, `✕ ${names(run, wrongly)}`));
    return parts;
  };

  const clipNode = (run, clip) => {
    const count = clip.a.length, few = count <= ROW_OF_FRAMES;
    const wide = few ? "5.2rem" : `${(ROW_OF_FRAMES * 5.2) / count}rem`;
    const table = make("table", { class: "frames", style: { "--count": count, "--wide": wide } });
    const columns = Array.from({ length: count }, () => make("col", { class: "frame" }));
    table.append(make("colgroup", {}, make("col", { class: "name" }), ...columns));
    const row = (kind, title, cells) => table.append(make("tr", { class: kind }, make("th", { scope: "row", title }, title), ...cells));
    if (clip.s !== null) row("strip", "", [make("td", { colspan: count }, make("img", { src: DATA.strips[clip.s], alt: `frames of ${clip.v}` }))]);
    const step = few ? 1 : Math.ceil(count / ROW_OF_FRAMES);
    if (clip.x.length) {
      const marks = [];
      for (let frame = 0; frame < count; frame += step) marks.push(make("td", { colspan: Math.min(step, count - frame) }, `${clip.x[frame].toFixed(2)} s`));
      row("time", "time", marks);
    }
    const stretches = [];
    for (let first = 0, behind; first < count; first = behind) {
      for (behind = first + 1; behind < count && clip.a[behind] === clip.a[first]; ) behind += 1;
      const best = run.classes[clip.a[first]];
      const kind = clip.t.length ? (clip.t.includes(clip.a[first]) ? "yes" : "no") : "open";
      stretches.push(make("td", { colspan: behind - first, class: kind, title: best }, make("span", {}, best)));
    }
    if (clip.p !== null) row("best", "likeliest class", stretches);
    clip.k.forEach((number, place) => {
      const cells = clip.q[place].map((score, frame) => {
        const said = `${run.classes[number]}: ${(score / 10).toFixed(1)} %`;
        return make("td", { style: { "--p": score / 1000 }, title: said }, count <= NUMBERS ? (score / 10).toFixed(0) : "");
      });
      row(clip.t.includes(number) ? "score own" : "score", run.classes[number], cells);
    });
    const surely = clip.p === null ? "" : ` ${percent(clip.p)}`;
    return make("article", { class: "clip" }, make("h3", {}, ...verdict(run, clip), surely), make("p", { class: "faint" }, clip.v), make("div", { class: "wide", tabindex: "0" }, table));
  };

  const viewer = document.getElementById("viewer"), viewerClips = document.getElementById("viewer-clips");
  const open = (title, runs) => {
    document.getElementById("viewer-title").textContent = title;
    const shown = runs.flatMap(([run, clips]) => clips.map((clip) => {
      const node = clipNode(run, clip);
      if (runs.length > 1) node.prepend(make("span", { class: "mark" }, run.letter));
      return [clip.i, node];
    }));
    if (runs.length > 1) shown.sort(byNumber((one) => one[0]));
    viewerClips.replaceChildren(...shown.map((one) => one[1]));
    if (!shown.length) viewerClips.append(make("p", {}, "None of these clips is on this page; lrcn-report shows more with a larger --clips."));
    viewer.showModal();
    viewerClips.scrollTop = 0;
  };
  document.getElementById("close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });

  const several = (count) => `${count} ${count === 1 ? "clip" : "clips"}`;
  const counted = (shown, all) => shown < all ? `${shown} of ${all} on this page` : `${all}`;

  /* galleries */

  const spark = (run, clip) => {
    const line = (number, kind) => {
      const place = clip.k.indexOf(number);
      if (place < 0) return "";
      const last = Math.max(1, clip.q[place].length - 1);
      const points = clip.q[place].map((score, frame) => `${(100 * frame / last).toFixed(1)},${(20 - score * 0.019).toFixed(1)}`);
      if (points.length === 1) points.push(`100,${points[0].split(",")[1]}`);
      return `<polyline class="${kind}" points="${points.join(" ")}"/>`;
    };
    const found = clip.f.find((number) => !clip.t.includes(number));
    const holder = make("span", { "aria-hidden": "true" });
    holder.innerHTML = `<svg viewBox="0 0 100 21" preserveAspectRatio="none">${found === undefined ? "" : line(found, "other")}${clip.t.length ? line(clip.t[0], "own") : ""}</svg>`;
    return holder;
  };

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const thumb = (clip) => {
    const count = Math.min(clip.a.length, 16);
    const picture = make("img", { alt: "", style: { width: `${100 * count}%` } });
    const show = (frame) => { picture.style.transform = `translateX(${-100 * frame / count}%)`; };
    show(Math.floor(count / 2));
    picture.src = DATA.strips[clip.s];
    let timer, frame = 0;
    const stop = () => { clearInterval(timer); timer = undefined; show(Math.floor(count / 2)); };
    const play = () => { if (!still.matches && !timer) timer = setInterval(() => show(frame = (frame + 1) % count), 160); };
    return [make("span", { class: "thumb" }, picture), play, stop];
  };

  const card = (run, clip) => {
    const node = make("button", { type: "button", class: "clip-card", onclick: () => open(clip.v, [[run, [clip]]]) });
    if (clip.s !== null) {
      const [picture, play, stop] = thumb(clip);
      node.append(picture);
      for (const event of ["mouseenter", "focus"]) node.addEventListener(event, play);
      for (const event of ["mouseleave", "blur"]) node.addEventListener(event, stop);
    }
    const what = make("span", { class: "what" }, ...verdict(run, clip));
    if (clip.p !== null) what.append(make("span", { class: "faint" }, percent(clip.p)));
    what.append(spark(run, clip));
    node.append(what);
    return node;
  };

  const gallery = (run, title, text, clips) => {
    const cards = make("div", { class: "gallery" });
    let shown = 0;
    const more = make("button", { type: "button", onclick: () => add(clips.length) });
    const add = (upTo) => {
      cards.append(...clips.slice(shown, upTo).map((clip) => card(run, clip)));
      shown = Math.min(upTo, clips.length);
      more.textContent = `show all ${clips.length}`;
      more.hidden = shown >= clips.length;
    };
    add(CARDS);
    return make("div", {}, make("h3", {}, `${title} (${clips.length})`), make("p", { class: "faint" }, text), cards, more);
  };

  const fillGalleries = (section, run) => {
    const holder = section.querySelector(".galleries");
    if (!holder) return;
    const wrong = run.clips.filter((clip) => !clip.ok).sort(byNumber((clip) => -clip.c));
    const undecided = [...run.clips].filter((clip) => clip.d >= 0.05).sort(byNumber((clip) => -clip.d)).slice(0, CARDS);
    const right = run.clips.filter((clip) => clip.ok).sort(byNumber((clip) => undecided.includes(clip)));
    const lines = "The line shows the probability of the clip's own class from frame to frame (green), and of the one that it is taken for (red).";
    if (wrong.length) holder.append(gallery(run, "Wrong", `The surest come first. ${lines}`, wrong));
    if (undecided.length) holder.append(gallery(run, "Frames that disagree most", "Here the net changes its mind between frames.", undecided));
    if (right.length) holder.append(gallery(run, "Right", "Some of each class.", right));
  };

  /* cells, classes, agreement */

  const openCell = (run, kind, label, found, count) => {
    const clips = run.clips.filter((clip) => isIn(clip, kind, label, found));
    const what = label === found ? `${run.classes[label]}, recognized` : `${run.classes[label]} taken for ${run.classes[found]}`;
    const how = showsFrames(kind) ? `${count} frames, in ${several(clips.length)} on this page` : counted(clips.length, count);
    open(`${what}: ${how}`, [[run, clips]]);
  };

  const openClass = (run, label) => {
    const own = run.clips.filter((clip) => clip.t.includes(label));
    const taken = run.clips.filter((clip) => !clip.t.includes(label) && clip.f.includes(label));
    open(`${run.classes[label]}: ${several(own.length)} on this page, and ${taken.length} that are taken for it`, [[run, [...own.sort(byNumber((clip) => clip.ok)), ...taken]]]);
  };

  const runOf = (letter) => DATA.runs.find((run) => run.letter === letter);
  const openAgreement = (button) => {
    const table = button.closest("table");
    const [first, second] = [runOf(table.dataset.first), runOf(table.dataset.second)];
    const [one, other] = [...button.dataset.agree].map(Number);
    const rightOf = new Map(second.clips.map((clip) => [clip.i, clip.ok]));
    const ids = new Set(first.clips.filter((clip) => clip.ok === one && rightOf.get(clip.i) === other).map((clip) => clip.i));
    const say = (run, right) => `${run.letter} ${right ? "right" : "wrong"}`;
    const chosen = [first, second].map((run) => [run, run.clips.filter((clip) => ids.has(clip.i))]);
    open(`${say(first, one)}, ${say(second, other)}: ${counted(ids.size, Number(button.textContent))}`, chosen);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const section = button.closest("[data-run]"), run = section && DATA.runs[section.dataset.run];
    if (button.dataset.cell) {
      const [label, found] = button.dataset.cell.split(" ").map(Number);
      openCell(run, button.closest("[data-kind]").dataset.kind, label, found, button.textContent);
    } else if (button.dataset.class) openClass(run, Number(button.dataset.class));
    else if (button.dataset.agree) openAgreement(button);
    else if (button.classList.contains("copy")) copy(button);
    else if (button.closest(".sortable thead")) sort(button.closest("th"));
  });

  const copy = async (button) => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  };

  const sort = (head) => {
    const body = head.closest("table").tBodies[0], column = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending" || (!head.hasAttribute("aria-sort") && column > 0 && head.classList.contains("number"));
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.cells[column].dataset.value;
    const order = column ? byNumber((row) => Number(value(row))) : (one, other) => one.cells[0].textContent.localeCompare(other.cells[0].textContent);
    const rows = [...body.rows].sort(order);
    body.append(...(down ? rows.reverse() : rows));
  };

  /* the matrix of many classes */

  const drawMatrix = (canvas, run) => {
    const classes = JSON.parse(canvas.dataset.classes), count = classes.length, kind = canvas.dataset.kind;
    const place = new Map(classes.map((number, at) => [number, at]));
    const size = Math.max(2, Math.min(8, Math.floor(600 / count)));
    const text = canvas.closest(".many").querySelector(".cell-text");
    const cells = new Map(run.matrices[kind].map(([label, found, n]) => [place.get(label) * count + place.get(found), n]));
    const totals = new Map();
    for (const [label, , n] of run.matrices[kind]) totals.set(place.get(label), (totals.get(place.get(label)) || 0) + n);
    canvas.width = canvas.height = count * size;
    let at = null;
    const draw = () => {
      const pen = canvas.getContext("2d"), style = getComputedStyle(canvas);
      const colour = (name) => style.getPropertyValue(name).trim();
      pen.globalAlpha = 1;
      pen.fillStyle = colour("--raised");
      pen.fillRect(0, 0, canvas.width, canvas.height);
      for (const [key, n] of cells) {
        const row = Math.floor(key / count), column = key % count;
        pen.globalAlpha = 0.25 + 0.75 * Math.sqrt(n / totals.get(row));
        pen.fillStyle = colour(row === column ? "--right" : "--wrong");
        pen.fillRect(column * size, row * size, size, size);
      }
      pen.globalAlpha = 1;
      if (at) {
        pen.strokeStyle = colour("--ink");
        pen.lineWidth = 2;
        pen.strokeRect(at[1] * size - 1, at[0] * size - 1, size + 2, size + 2);
      }
    };
    const go = (row, column) => {
      at = [Math.min(count - 1, Math.max(0, row)), Math.min(count - 1, Math.max(0, column))];
      const n = cells.get(at[0] * count + at[1]) || 0;
      text.textContent = `${run.classes[classes[at[0]]]} as ${run.classes[classes[at[1]]]}: ${n}`;
      draw();
    };
    const openAt = () => { if (at) openCell(run, kind, classes[at[0]], classes[at[1]], cells.get(at[0] * count + at[1]) || 0); };
    const pointed = (event) => {
      const box = canvas.getBoundingClientRect();
      go(Math.floor((event.clientY - box.top) * count / box.height), Math.floor((event.clientX - box.left) * count / box.width));
    };
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    canvas.addEventListener("mousemove", pointed);
    canvas.addEventListener("click", (event) => { pointed(event); openAt(); });
    canvas.addEventListener("keydown", (event) => {
      const [down, right] = steps[event.key] || [0, 0];
      if (down || right) go(...(at ? [at[0] + down, at[1] + right] : [0, 0]));
      else if (event.key === "Enter" && at) openAt();
      else return;
      event.preventDefault();
    });
    draw();
    redraws.push(draw);
  };

  /* timelines */

  const fillLines = (section, run) => {
    const zoom = section.querySelector(".zoom");
    if (!zoom) return;
    const lines = section.querySelector(".lines");
    zoom.addEventListener("input", () => {
      lines.style.setProperty("--zoom", zoom.value);
      lines.classList.toggle("close", zoom.value >= 5);
    });
    for (const line of lines.querySelectorAll(".zoomed")) {
      const seconds = Number(line.dataset.seconds);
      for (const clip of run.clips.filter((one) => one.v === line.dataset.video && one.x.length)) {
        const start = clip.x[0], last = clip.x[clip.x.length - 1];
        const each = clip.x.length > 1 ? (last - start) / (clip.x.length - 1) : 0;
        const label = `${names(run, clip.t)}, ${start.toFixed(1)} to ${(last + each).toFixed(1)} s`;
        line.append(make("button", {
          type: "button", "aria-label": label, title: label, onclick: () => open(label, [[run, [clip]]]),
          style: { left: `${100 * start / seconds}%`, width: `${100 * (last + each - start) / seconds}%` },
        }));
      }
    }
  };

  /* curves */

  const redraws = [];
  let over = "steps";
  const drawPlot = (holder) => {
    const plot = DATA.plots[holder.dataset.plot], style = getComputedStyle(holder);
    const many = DATA.runs.length > 1;
    const tables = plot.series.map((one) => [one[over], one.values]);
    const data = uPlot.join(tables);
    const seen = new Map();
    const series = plot.series.map((one, number) => {
      const nth = seen.get(one.run) || 0;
      seen.set(one.run, nth + 1);
      const digits = plot.percent ? percent : (value) => Number(value.toPrecision(4)).toString();
      return {
        label: one.name, show: one.shown, spanGaps: true, width: 1.6,
        stroke: COLOURS[(many ? one.run : number) % COLOURS.length], dash: many ? DASHES[nth % DASHES.length] : [],
        points: { show: one.values.length < 40, size: 5 },
        value: (_, value) => (value === null || value === undefined ? "" : digits(value)),
      };
    });
    const axis = { stroke: style.getPropertyValue("--faint"), grid: { stroke: style.getPropertyValue("--line"), width: 1 }, ticks: { show: false } };
    const wide = holder.clientWidth;
    const label = over === "steps" ? "step" : "epoch";
    const drawn = new uPlot({
      width: wide, height: Math.min(300, Math.max(200, wide * 0.5)),
      scales: { x: { time: false }, y: plot.percent ? { range: (_, low, high) => [Math.max(0, Math.min(low, 1) - 0.03), Math.min(1.02, high + 0.03)] } : {} },
      axes: [{ ...axis, label, labelSize: 18, size: 36 }, { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => (plot.percent ? `${Number((100 * tick).toFixed(1))} %` : Number(tick.toPrecision(6)).toString())) }],
      legend: { markers: { dash: (_, number) => (series[number - 1]?.dash.length ? "dashed" : "solid") } },
      series: [{ label, value: (_, value) => (value === null || value === undefined ? "" : Number(value.toFixed(2)).toString()) }, ...series],
    }, data, holder);
    return drawn;
  };
  const drawPlots = () => {
    for (const holder of document.querySelectorAll(".plot")) {
      holder.querySelector(".uplot")?.remove();
      drawPlot(holder);
    }
  };
  for (const button of document.querySelectorAll("[data-over]")) {
    button.addEventListener("click", () => {
      over = button.dataset.over;
      for (const other of document.querySelectorAll("[data-over]")) other.setAttribute("aria-pressed", String(other === button));
      drawPlots();
    });
  }

  /* at the start, and when the window changes */

  if (DATA.plots.length) {
    drawPlots();
    redraws.push(drawPlots);
    let width = innerWidth;
    addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawPlots(); } });
  }
  document.querySelectorAll("[data-run]").forEach((section) => {
    const run = DATA.runs[section.dataset.run];
    for (const canvas of section.querySelectorAll(".matrix-picture")) drawMatrix(canvas, run);
    fillGalleries(section, run);
    fillLines(section, run);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((redraw) => redraw()));
})();
