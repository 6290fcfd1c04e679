"use strict";
const $ = (id) => document.getElementById(id);
const video = $("video");
const MOST_SEGMENTS = 1000;
const EARLY = 0.001;  // seconds: the browser rounds a time that it seeks to

let shown = null;  // what is shown: the result, its player, the frame at the playhead
let request = null;  // ends the upload, or what it has left on the server
let address = null;  // the file, for the browser's own player

function element(kind, className, text) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - 60 * minutes).toFixed(2).padStart(5, "0");
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// black or white, whichever is read more easily on a colour #rrggbb: by its luminance, as sRGB has it
function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000" : "#fff";
}

const percent = (part) => `${(100 * part).toFixed(part < 0.1 && part > 0 ? 1 : 0)} %`;

// the last of ascending times that has been reached
function lastReached(times, time) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time + EARLY / 2) low = middle + 1; else high = middle;
  }
  return Math.max(0, low - 1);
}

// ---- uploading

function say(text, { wrong = false, part = null, busy = false } = {}) {
  $("status").hidden = !text;
  $("status").classList.toggle("wrong", wrong);
  $("said").textContent = text;
  $("cancel").hidden = !busy;
  $("progress").hidden = !busy;
  if (part === null) $("progress").removeAttribute("value"); else $("progress").value = part;
}

// whether the browser plays the file itself: not AVI, and not every codec of MP4
function playsItself() {
  return new Promise((decide) => {
    video.onloadeddata = () => decide(video.videoWidth > 0);
    video.onerror = () => decide(false);
    setTimeout(() => decide(false), 5000);
    video.src = address;
  });
}

async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let parts = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const pieces = value.split("\n");
    parts.push(pieces[0]);
    for (const piece of pieces.slice(1)) {
      yield JSON.parse(parts.join(""));
      parts = [piece];
    }
  }
}

async function take(file) {
  forget();
  if (file.size > MAX_SIZE) {
    say(`${file.name} has ${file.size.toLocaleString("en")} bytes, the limit is ${MAX_SIZE.toLocaleString("en")}; see --max-size`, { wrong: true });
    return;
  }
  const ending = new AbortController();
  request = ending;
  address = URL.createObjectURL(file);
  say(`Opening ${file.name}`, { busy: true });
  const plays = await playsItself();
  if (ending.signal.aborted) return;
  say(`Uploading ${file.name}`, { busy: true });
  try {
    const response = await fetch("/videos", {
      method: "POST",
      headers: { "X-Video-Name": encodeURIComponent(file.name), "X-Pictures": plays ? "0" : "1" },
      body: file,
      signal: ending.signal,
    });
    if (!response.ok) {
      say(await response.text(), { wrong: true });
      return;
    }
    let key = null;
    for await (const message of lines(response)) {
      if (message.kind === "waiting") say(`Waiting for ${message.before} before`, { busy: true });
      else if (message.kind === "failed") say(`${file.name}: ${message.error}`, { wrong: true });
      else if (message.kind === "begun") {
        key = message.key;
        say(`Predicting ${file.name}`, { busy: true });
      } else if (message.kind === "progress") {
        const part = message.duration ? message.seconds / message.duration : null;
        say(`Predicting ${file.name}: ${clock(message.seconds)} of ${clock(message.duration)}`, { busy: true, part });
      } else if (message.kind === "result") {
        say("");
        show(message, plays ? videoPlayer() : picturePlayer(key, message));
      }
    }
  } catch (error) {
    if (ending.signal.aborted) return;
    forget();
    say("The server can't be reached; is lrcn-predict still running?", { wrong: true });
  }
}

function forget() {
  if (request) request.abort();
  if (shown) shown.player.pause();
  if (address) URL.revokeObjectURL(address);
  video.removeAttribute("src");
  request = shown = address = null;
  $("shown").hidden = true;
  $("drop").classList.remove("small");
  say("");
}

// ---- players: both have a time in seconds, and call `moved` when it changes

function videoPlayer() {
  $("video").hidden = false;
  $("picture").hidden = true;
  const follow = () => {
    moved();
    if (!video.paused) requestAnimationFrame(follow);
  };
  video.onplay = follow;
  video.onpause = video.onseeked = moved;
  return {
    get time() { return video.currentTime; },
    get playing() { return !video.paused; },
    seek(seconds) {
      video.currentTime = seconds;
      moved();  // not only once the browser is there, for keys that are pressed in a row
    },
    play() { video.play(); },
    pause() { video.pause(); },
  };
}

function picturePlayer(key, result) {
  $("video").hidden = true;
  $("picture").hidden = false;
  const { pictures, prediction } = result;
  const ahead = new Map();  // pictures that are loaded before they are shown
  let time = 0, began = null;
  const picture = (number) => {
    if (!ahead.has(number)) {
      const image = new Image();
      image.src = `/videos/${key}/${number}.jpg`;
      ahead.set(number, image);
      if (ahead.size > 32) ahead.delete(ahead.keys().next().value);
    }
    return ahead.get(number);
  };
  const draw = () => {
    const number = lastReached(pictures, time);
    $("picture").src = picture(number).src;
    for (let next = number + 1; next < Math.min(number + 8, pictures.length); next += 1) picture(next);
    moved();
  };
  const follow = (now) => {
    if (began === null) return;
    time = Math.min((now - began) / 1000, prediction.duration);
    if (time >= prediction.duration) began = null;
    draw();
    requestAnimationFrame(follow);
  };
  return {
    get time() { return time; },
    get playing() { return began !== null; },
    seek(seconds) {
      time = Math.min(Math.max(0, seconds), prediction.duration);
      if (began !== null) began = performance.now() - 1000 * time;
      draw();
    },
    play() {
      if (time >= prediction.duration) time = 0;
      began = performance.now() - 1000 * time;
      requestAnimationFrame(follow);
    },
    pause() {
      began = null;
      draw();
    },
  };
}

// ---- what was found

function show(result, player) {
  const { prediction, rows, colours } = result;
  const probabilities = Uint8Array.from(atob(result.probabilities), (letter) => letter.charCodeAt(0));
  const times = prediction.frames.map((frame) => frame.seconds);
  shown = { result, player, probabilities, times, bars: [], buttons: [] };
  $("drop").classList.add("small");
  $("shown").hidden = false;
  $("name").textContent = prediction.video;
  $("note").textContent = result.pictures === null ? "" :
    result.pictures.length < times.length ? "The browser can't play this file: some of its frames are shown." :
    "The browser can't play this file: its frames at the run's rate are shown.";
  $("rows").replaceChildren();
  for (const row of rows) shown.bars.push(bar($("rows"), row.name, colours[row.label]));
  $("guesses").replaceChildren();
  for (const guess of prediction.guesses) bar($("guesses"), guess.name, colours[guess.label])(guess.probability);
  $("calibrated").textContent = prediction.temperature === null ? "The net's own probabilities, mostly too high." : "Calibrated probabilities.";
  $("band").setAttribute("aria-valuemax", prediction.duration);
  drawBand(prediction, colours);
  listSegments(prediction, colours);
  player.seek(times.length ? times[0] : 0);
  moved();
}

function bar(place, name, colour) {
  const label = element("div", "label", name);
  const track = element("div", "track");
  const filled = element("div");
  const number = element("div", "percent");
  label.title = name;
  filled.style.background = colour;
  track.append(filled);
  place.append(label, track, number);
  return (part, best = false) => {
    filled.style.transform = `scaleX(${part})`;
    number.textContent = percent(part);
    label.classList.toggle("best", best);
  };
}

function inTime(segments) {
  return [...segments].sort((one, other) => one.start - other.start || one.end - other.end);
}

function drawBand(prediction, colours) {
  const last = [];  // segment in each lane; classes may be shown at the same time
  const placed = inTime(prediction.segments).map((segment) => {
    const isFree = (before) => before.end <= segment.start;
    let lane = last.findIndex((before) => isFree(before) && before.label === segment.label);
    if (lane < 0) lane = last.findIndex(isFree);
    if (lane < 0) lane = last.length;
    last[lane] = segment;
    return [lane, segment];
  });
  const length = Math.max(prediction.duration, 1e-9);
  $("lanes").style.height = `${2 * Math.max(1, last.length)}rem`;
  $("lanes").replaceChildren(...placed.map(([lane, segment]) => {
    const share = (segment.end - segment.start) / length;
    const stretch = element("div", "stretch", share < 0.04 ? "" : segment.name);
    stretch.title = `${segment.name}, ${clock(segment.start)} to ${clock(segment.end)}`;
    stretch.style.left = `${(100 * segment.start) / length}%`;
    stretch.style.width = `${100 * share}%`;
    stretch.style.top = `${2 * lane}rem`;
    stretch.style.height = "2rem";
    stretch.style.background = colours[segment.label];
    stretch.style.color = inkOn(colours[segment.label]);
    return stretch;
  }));
}

function listSegments(prediction, colours) {
  const listed = inTime(prediction.segments);
  $("segments").replaceChildren();
  for (const segment of listed.slice(0, MOST_SEGMENTS)) {
    const button = element("button");
    button.type = "button";
    const square = element("span", "square");
    square.style.background = colours[segment.label];
    button.append(square, element("span", "label", segment.name),
      element("span", "faint", `${clock(segment.start)} to ${clock(segment.end)}, ${percent(segment.score)}`));
    button.onclick = () => shown.player.seek(segment.start + EARLY);
    $("segments").append(button);
    shown.buttons.push([segment, button]);
  }
  if (!listed.length) $("segments").append(element("span", "faint", "None of the classes."));
  if (listed.length > MOST_SEGMENTS) $("segments").append(element("span", "faint", `${listed.length - MOST_SEGMENTS} more are in the CSV file.`));
}

function moved() {
  if (!shown) return;
  const { result, player, probabilities, times, bars, buttons } = shown;
  const { duration } = result.prediction;
  const time = Math.min(player.time, duration);
  const frame = lastReached(times, time);
  const first = frame * bars.length;
  const best = bars.reduce((found, _, row) => (probabilities[first + row] > probabilities[first + found] ? row : found), 0);
  bars.forEach((fill, row) => fill(probabilities[first + row] / 255, row === best));
  for (const [segment, button] of buttons) {
    button.setAttribute("aria-pressed", segment.start <= time + EARLY && time < segment.end - EARLY);
  }
  shown.frame = frame;
  $("head").style.left = `${(100 * time) / Math.max(duration, 1e-9)}%`;
  $("play").textContent = player.playing ? "Pause" : "Play";
  $("time").textContent = `${clock(time)} of ${clock(duration)}, frame ${frame + 1} of ${times.length}`;
  $("band").setAttribute("aria-valuenow", time.toFixed(3));
  $("band").setAttribute("aria-valuetext", `${clock(time)}, frame ${frame + 1}`);
}

// ---- what the user does

function step(frames) {
  shown.player.pause();
  const frame = Math.min(Math.max(0, shown.frame + frames), shown.times.length - 1);
  shown.player.seek(shown.times[frame] + EARLY);
}

function playOrPause() {
  if (shown.player.playing) shown.player.pause(); else shown.player.play();
  moved();
}

function seekAt(event) {
  const { left, width } = $("band").getBoundingClientRect();
  const part = Math.min(Math.max(0, (event.clientX - left) / width), 1);
  shown.player.seek(part * shown.result.prediction.duration);
}

function download(kind) {
  const { result } = shown;
  const text = { csv: result.csv, vtt: result.vtt, json: `${JSON.stringify(result.prediction)}\n` }[kind];
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([text]));
  link.download = `${result.prediction.video.replace(/\.[^.]*$/, "")}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

$("file").onchange = (event) => {
  if (event.target.files.length) take(event.target.files[0]);
  event.target.value = "";
};
$("cancel").onclick = forget;
$("back").onclick = () => step(-1);
$("on").onclick = () => step(1);
$("play").onclick = playOrPause;
$("band").onpointerdown = (event) => {
  $("band").setPointerCapture(event.pointerId);
  seekAt(event);
};
$("band").onpointermove = (event) => {
  if (event.buttons) seekAt(event);
};
for (const button of document.querySelectorAll("#downloads button")) {
  button.onclick = () => download(button.dataset.kind);
}
document.ondragover = (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
};
document.ondragleave = () => $("drop").classList.remove("over");
document.ondrop = (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
};
document.onkeydown = (event) => {
  if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
  const onButton = ["BUTTON", "INPUT"].includes(event.target.tagName);
  const actions = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => step(-Infinity),
    End: () => step(Infinity),
    " ": onButton ? null : playOrPause,
  };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
};
