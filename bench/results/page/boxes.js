// Box plots: a line a way, with its samples, their range, quartiles and median; rows of one test stand
// below each other. Ratios of rates share one axis, those of times another; figures without a direct
// way have one each.

const LINE = 19, HEAD = 34, AXIS = 26;
const RATIO_STEPS = [1, 1.1, 1.2, 1.5, 2, 3, 5, 7, 8, 9];

const shortName = (way) => way.replace(/^kube-proxy /, "kp ");

function hasRatio(row, cell) { return row.isRatio && cell.way !== "direct"; }
function shownSamples(row, cell) { return row.isRatio ? cell.ratios : cell.samples; }
function shownFigures(row, cell) { return row.isRatio ? cell.ratio : cell.absolute; }
// The direct way is the line at 1, not a box.
function shownCells(row) { return row.cells.filter((cell) => !row.isRatio || cell.way !== "direct"); }

function extent(rows) {
  const all = rows.flatMap((row) => shownCells(row).flatMap((cell) => shownSamples(row, cell)));
  return [Math.min(...all), Math.max(...all)];
}

function ratioScale(rows, from, to) {
  const [low, high] = extent(rows);
  return logScale(Math.min(low, 0.8) * 0.97, Math.max(high, 1.25) * 1.03, from, to);
}

function isLogarithmic(row) {
  const [low, high] = extent([row]);
  return low > 0 && high / low > 30;
}

function figureScale(row, from, to) {
  const [low, high] = extent([row]);
  if (isLogarithmic(row)) return logScale(low * 0.9, high * 1.1, from, to);
  return linearScale(Math.min(0, low), high > 0 ? high * 1.05 : 1, from, to);
}

function describeCell(row, cell) {
  const format = row.isRatio ? formatRatio : formatFigure;
  const shown = shownFigures(row, cell);
  const unit = row.isRatio ? " of direct" : ` ${unitName(row.subject.unit)}`;
  return `${cell.way}: median ${format(shown.median)}${unit}, quartiles ${format(shown.low)} to ` +
    `${format(shown.high)}, 95 % interval ${format(shown.interval[0])} to ` +
    `${format(shown.interval[1])}, ${plural(shownSamples(row, cell).length, "sample")}` +
    (cell.isBest ? "; best, or not to be told from it" : "");
}

function drawCell(row, cell, scale, y, place) {
  const shown = shownFigures(row, cell), samples = shownSamples(row, cell);
  const group = shape("g", { class: "cell", style: `--way: ${colourOf(cell.way)}` });
  group.append(shape("title", {}, describeCell(row, cell)));
  group.append(shape("rect", { class: "hit", x: 0, y: y - LINE / 2, width: place.width, height: LINE }));
  group.append(shape("line", {
    class: "whisker", x1: scale(Math.min(...samples)), x2: scale(Math.max(...samples)), y1: y, y2: y,
  }));
  group.append(shape("rect", {
    class: "box", x: scale(shown.low), y: y - 5.5, height: 11,
    width: Math.max(1, scale(shown.high) - scale(shown.low)),
  }));
  samples.forEach((sample, i) => {
    group.append(shape("circle", { class: "sample", cx: scale(sample), cy: y + (i * 5) % 7 - 3, r: 1.7 }));
  });
  const median = scale(shown.median);
  group.append(shape("line", { class: "median", x1: median, x2: median, y1: y - 7, y2: y + 7 }));
  const name = place.isNarrow ? shortName(cell.way) : cell.way;
  group.append(shape("text", { x: place.left - 10, y: y + 4, "text-anchor": "end" }, name));
  const format = row.isRatio ? formatRatio : formatFigure;
  const value = shape("text", { x: place.right + 10, y: y + 4, class: cell.isBest ? "best" : "" },
    format(shown.median) + (cell.isBest ? " *" : ""));
  group.append(value);
  return group;
}

function drawHead(row, y, place) {
  const group = shape("g");
  const { subject } = row;
  const unit = row.isRatio ? "" : unitName(subject.unit);
  group.append(shape("text", { class: "label", x: 0, y: y + 14 }, joined(subject.traffic, subject.figure, unit)));
  const direct = row.isRatio && row.cells.find((cell) => cell.way === "direct");
  const better = subject.better === "more" ? "more is better →" : "← less is better";
  const hint = joined(direct ? `direct ${formatFigure(direct.absolute.median)} ${unitName(subject.unit)}` : "",
    !row.isRatio && isLogarithmic(row) ? "logarithmic" : "", better);
  group.append(place.isNarrow
    ? shape("text", { class: "soft", x: 0, y: y + 29 }, hint)
    : shape("text", { class: "soft", x: place.width, y: y + 14, "text-anchor": "end" }, hint));
  return group;
}

function drawNoise(row, scale, top, bottom) {
  const again = row.cells.find((cell) => cell.way === "direct again");
  const group = shape("g");
  if (again) {
    const low = scale(again.ratio.low);
    group.append(shape("rect", {
      class: "band", x: low, width: Math.max(1, scale(again.ratio.high) - low), y: top, height: bottom - top,
    }));
  }
  group.append(shape("line", { class: "reference", x1: scale(1), x2: scale(1), y1: top, y2: bottom }));
  return group;
}

function drawAxis(scale, ticks, format, top, bottom) {
  const group = shape("g");
  for (const tick of ticks) {
    group.append(shape("line", { class: "grid", x1: scale(tick), x2: scale(tick), y1: top, y2: bottom }));
    group.append(shape("text", { class: "soft", x: scale(tick), y: bottom + 15, "text-anchor": "middle" }, format(tick)));
  }
  return group;
}

function boxPlace(width, rows) {
  const isNarrow = width < 640;
  const names = rows.flatMap((row) => shownCells(row).map((cell) => (isNarrow ? shortName(cell.way) : cell.way)));
  const left = Math.min(width * 0.4, 16 + 6.6 * Math.max(...names.map((name) => name.length)));
  const values = rows.flatMap((row) => shownCells(row).map((cell) => (row.isRatio ? 6 : 2 + formatFigure(cell.absolute.median).length)));
  return { isNarrow, width, left, right: width - 14 - 7.2 * Math.max(...values) };
}

// All rows have a direct way, or none has.
function drawBoxes(svg, width, rows) {
  const place = boxPlace(width, rows), isRatio = rows[0].isRatio;
  const head = HEAD - (place.isNarrow ? -8 : 10);
  // Rates and times lie on different sides of one: an axis for each of the two.
  const alike = (row) => rows.filter((one) => one.subject.better === row.subject.better);
  let y = 0;
  for (const row of rows) {
    const cells = shownCells(row);
    const top = y + head, bottom = top + cells.length * LINE;
    const scale = isRatio ? ratioScale(alike(row), place.left, place.right) : figureScale(row, place.left, place.right);
    const ticks = isRatio ? scale.ticks(38, RATIO_STEPS) : scale.ticks(64);
    svg.append(drawHead(row, y, place));
    svg.append(drawAxis(scale, ticks, formatTick, top, bottom));
    if (isRatio) svg.append(drawNoise(row, scale, top, bottom));
    cells.forEach((cell, i) => svg.append(drawCell(row, cell, scale, top + (i + 0.5) * LINE, place)));
    y = bottom + AXIS + 4;
  }
  if (isRatio) {
    svg.append(shape("text", { class: "soft", x: (place.left + place.right) / 2, y: y + 6, "text-anchor": "middle" }, "ratio to direct, logarithmic"));
    y += 14;
  }
  if (place.isNarrow && rows.some((row) => row.cells.some((cell) => shortName(cell.way) !== cell.way))) {
    svg.append(shape("text", { class: "soft", x: 0, y: y + 6 }, "kp: kube-proxy"));
    y += 14;
  }
  return y;
}

function boxFigure(test, name, rows) {
  const [first] = rows;
  const description = (first.isRatio ? "Box plots of the ratio to the direct way. " : "Box plots. ") +
    rows.map((row) => `${joined(row.subject.traffic, row.subject.figure)}: ` +
      shownCells(row).map((cell) => describeCell(row, cell)).join("; ")).join(". ");
  const figure = element("figure", { class: "boxes" });
  if (name !== test) figure.append(element("figcaption", {}, element("b", {}, name)));
  figure.append(plot(name === test ? name : joined(test, name), description, (svg, width) => drawBoxes(svg, width, rows)));
  figure.append(element("details", {}, element("summary", {}, "Table of these figures"), rowsTable(rows)));
  return figure;
}
