// Elements, numbers, scales and colours: what all plots and tables share.

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// As the terminal's tables have it: digits that mean something.
function formatFigure(value) {
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1000) return String(value);
  if (size < 0.01) return value.toPrecision(2).replace(/e.*/, (power) => power);
  if (size < 1) return value.toFixed(3);
  if (size < 100) return value.toFixed(2);
  if (size < 1000) return value.toFixed(1);
  return Math.round(value).toLocaleString("en-US");
}

function formatRatio(value) {
  if (value < 0.1) return value.toFixed(3);
  return value < 99.5 ? value.toFixed(2) : formatFigure(value);
}

const formatTick = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 6 });

// `trim` makes round numbers short, as on an axis.
function formatTime(nanoseconds, trim = (text) => text) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (nanoseconds >= size) return `${trim((nanoseconds / size).toPrecision(3))} ${unit}`;
  }
  return `${Math.round(nanoseconds)} ns`;
}

const unitName = (unit) => unit.replace(/^us$/, "µs");
const plural = (count, word) => `${count.toLocaleString("en-US")} ${word}${count === 1 ? "" : "s"}`;

// "10,000 Services x 3"; nothing where a subject says nothing of them.
function sizeOf(subject) {
  if (subject.services === 0) return "";
  return plural(subject.services, "Service") + (subject.endpoints ? ` x ${subject.endpoints}` : "");
}

const joined = (...parts) => parts.filter((part) => part !== "").join(", ");
const isDirect = (way) => way === "direct" || way === "direct again";

// The same way has the same colour and mark in every plot and on every page.
const COLOURS = ["ebpf", "nftables", "kube-proxy iptables-legacy", "kube-proxy iptables-nft",
  "kube-proxy nftables 1.35", "kube-proxy nftables 1.36", "kube-proxy ipvs"];
const MARKS = ["circle", "square", "triangle", "diamond", "down", "cross"];

function indexOf(way) {
  const known = COLOURS.indexOf(way);
  if (known >= 0) return known;
  const others = figures.ways.filter((one) => !isDirect(one) && !COLOURS.includes(one));
  return COLOURS.length + others.indexOf(way);
}

function colourOf(way) {
  if (way === "direct") return "var(--way-direct)";
  if (way === "direct again") return "var(--way-again)";
  return `var(--way-${indexOf(way) % 10})`;
}

function mark(way, x, y, attributes = {}) {
  const common = { class: "point", style: `--way: ${colourOf(way)}`, ...attributes };
  const kind = isDirect(way) ? "circle" : MARKS[indexOf(way) % MARKS.length];
  if (kind === "circle") return shape("circle", { ...common, cx: x, cy: y, r: 4 });
  const outline = {
    square: "M-4-4h8v8h-8z", triangle: "M0-5l5 9h-10z", diamond: "M0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
    down: "M0 5l5-9h-10z", cross: "M-4-4l8 8M4-4l-8 8",
  }[kind];
  return shape("path", { ...common, d: outline, transform: `translate(${x} ${y})` });
}

// Beside a way's name in legends and tables.
function key(way) {
  const line = shape("line", {
    class: `curve ${way === "direct again" ? "again" : ""}`, style: `--way: ${colourOf(way)}`,
    x1: 0, x2: 16, y1: 6, y2: 6,
  });
  return shape("svg", { class: "key", viewBox: "0 0 16 12", "aria-hidden": "true" }, line, mark(way, 8, 6));
}

// From values to pixels; `ticks(gap)` are round values with at least so many pixels between them.
function logScale(low, high, from, to) {
  const span = Math.log(high / low) || 1;
  const scale = (value) => from + (to - from) * Math.log(value / low) / span;
  scale.ticks = (gap, steps = [1, 2, 5]) => {
    const all = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); ++power) {
      for (const step of steps) all.push(Number((step * 10 ** power).toPrecision(6)));
    }
    return spaced(all.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001), scale, gap);
  };
  return scale;
}

function linearScale(low, high, from, to) {
  const scale = (value) => from + (to - from) * (value - low) / (high - low || 1);
  scale.ticks = (gap) => {
    const wanted = Math.max(1, Math.floor(Math.abs(to - from) / gap));
    const rough = (high - low || 1) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((one) => one * power >= rough * 0.999);
    const all = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; ++i) {
      all.push(Number((i * step).toPrecision(10)));
    }
    return all;
  };
  return scale;
}

// Powers of ten stay, and one; the others where there is room beside those that stay.
function spaced(ticks, scale, gap) {
  const kept = [];
  const weight = (tick) => (tick === 1 ? 0 : Number.isInteger(Math.log10(tick)) ? 1 : 2);
  for (const tick of [...ticks].sort((a, b) => weight(a) - weight(b) || a - b)) {
    if (kept.every((other) => Math.abs(scale(other) - scale(tick)) >= gap)) kept.push(tick);
  }
  return kept.sort((a, b) => a - b);
}

let plots = 0;

// Draws again when the width changes; `draw(svg, width)` returns the height.
function plot(name, description, draw) {
  const id = `plot-${++plots}`;
  const svg = shape("svg", { class: "plot", role: "img", "aria-labelledby": `${id}-title ${id}-desc` });
  const title = shape("title", { id: `${id}-title` }, name);
  const desc = shape("desc", { id: `${id}-desc` }, description);
  const holder = element("div", {}, svg);
  let drawn = 0;
  const redraw = () => {
    const width = Math.floor(holder.clientWidth);
    if (width === 0 || width === drawn) return;
    drawn = width;
    svg.replaceChildren(title, desc);
    const height = draw(svg, width);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
  };
  // Observers report once for each new element, so that this draws the first time, too; in the next
  // frame, since what is drawn changes the height that is observed.
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(holder);
  return holder;
}
