// Lines: latencies by percentile, and cost by number of Services.

const PLACE = { left: 64, right: 16, top: 12, bottom: 44 };
const PERCENTILES = [0, 50, 90, 99, 99.9, 99.99];

// The latency that `part` of all stay below or at; buckets ascend.
function latencyAt(curve, part) {
  const wanted = part * curve.count;
  let seen = 0;
  for (const [value, count] of curve.buckets) {
    seen += count;
    if (seen >= wanted - 1e-9) return value;
  }
  return curve.buckets.at(-1)[0];
}

// One in a hundred is as wide as one in ten: each nine of a percentile has the same width.
const ninesOf = (part) => -Math.log10(1 - part);
const percent = (part) => Number((100 * part).toFixed(part < 0.9 ? 1 : part < 0.999 ? 2 : 3));
// Beyond its last but one there is nothing that a curve knows.
const lastPart = (curve) => Math.min(0.9999, 1 - 1 / curve.count);

function drawFrame(svg, x, y, frame, labels) {
  for (const [tick, text] of frame.xTicks) {
    svg.append(shape("line", { class: "grid", x1: x(tick), x2: x(tick), y1: frame.top, y2: frame.bottom }));
    svg.append(shape("text", { class: "soft", x: x(tick), y: frame.bottom + 16, "text-anchor": "middle" }, text));
  }
  for (const [tick, text] of frame.yTicks) {
    svg.append(shape("line", { class: "grid", x1: frame.left, x2: frame.right, y1: y(tick), y2: y(tick) }));
    svg.append(shape("text", { class: "soft", x: frame.left - 8, y: y(tick) + 4, "text-anchor": "end" }, text));
  }
  svg.append(shape("line", { class: "axis", x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom }));
  svg.append(shape("line", { class: "axis", x1: frame.left, x2: frame.left, y1: frame.top, y2: frame.bottom }));
  svg.append(shape("text", { class: "soft", x: (frame.left + frame.right) / 2, y: frame.bottom + 36, "text-anchor": "middle" }, labels.x));
}

function frameOf(width, height) {
  return { left: PLACE.left, right: width - PLACE.right, top: PLACE.top, bottom: height - PLACE.bottom };
}

function curvePath(curve, x, y, frame) {
  const last = ninesOf(lastPart(curve));
  let path = "";
  for (let at = frame.left; at <= Math.min(frame.right, x(last)) + 0.5; at += 1) {
    const nines = Math.min(last, 4 * (at - frame.left) / (frame.right - frame.left));
    const value = latencyAt(curve, Math.max(1 / curve.count, 1 - 10 ** -nines));
    path += `${path ? "L" : "M"}${at.toFixed(1)} ${y(value).toFixed(1)}`;
  }
  return path;
}

function drawLatencies(svg, width, curves, follow) {
  const height = Math.min(380, Math.max(260, width * 0.42)), frame = frameOf(width, height);
  const lows = curves.map((curve) => latencyAt(curve, 1 / curve.count));
  const highs = curves.map((curve) => latencyAt(curve, lastPart(curve)));
  const x = linearScale(0, 4, frame.left, frame.right);
  const y = logScale(Math.max(1, Math.min(...lows)) * 0.9, Math.max(...highs) * 1.1, frame.bottom, frame.top);
  frame.xTicks = PERCENTILES.map((one) => [ninesOf(one / 100), one === 0 ? "0 %" : `p${one}`]);
  frame.yTicks = y.ticks(26).map((tick) => [tick, formatTime(tick, Number)]);
  drawFrame(svg, x, y, frame, { x: "percentile; each further nine as wide as the one before" });
  for (const curve of curves) {
    svg.append(shape("path", {
      class: `curve ${curve.way === "direct again" ? "again" : ""}`, style: `--way: ${colourOf(curve.way)}`,
      d: curvePath(curve, x, y, frame), "data-way": curve.way,
    }, shape("title", {}, curve.way)));
  }
  follow(svg, x, frame);
  return height;
}

// Pointer, finger or arrow keys move a line; the table beside the plot says what each way has there.
function follower(show) {
  return (svg, x, frame) => {
    const line = shape("line", { class: "cursor", y1: frame.top, y2: frame.bottom, visibility: "hidden" });
    svg.append(line);
    svg.setAttribute("tabindex", "0");
    let nines = 0;
    const move = (to) => {
      nines = Math.min(4, Math.max(0, to));
      line.setAttribute("x1", x(nines));
      line.setAttribute("x2", x(nines));
      line.setAttribute("visibility", "visible");
      show(1 - 10 ** -nines);
    };
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      const at = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
      move(4 * (at - frame.left) / (frame.right - frame.left));
    };
    svg.onpointermove = point;
    svg.onpointerdown = point;
    svg.onkeydown = (event) => {
      const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      move(nines + step);
    };
  };
}

function latencyTable(curves) {
  // First, so that a narrow screen shows it, too.
  const here = element("th", { scope: "col" }, "here");
  const head = element("tr", {}, element("th", { class: "text", scope: "col" }, "way"), here,
    ...PERCENTILES.slice(1).map((one) => element("th", { scope: "col" }, `p${one}`)),
    element("th", { scope: "col" }, "max"), element("th", { scope: "col" }, "requests"));
  const cells = [];
  const body = curves.map((curve) => {
    const at = (one) => (one / 100 > lastPart(curve) + 1e-9 ? "too few" : formatTime(latencyAt(curve, one / 100)));
    const cell = element("td", { class: "missing" }, "–");
    cells.push(cell);
    return element("tr", {}, element("th", { scope: "row" }, key(curve.way), curve.way), cell,
      ...PERCENTILES.slice(1).map((one) => element("td", {}, at(one))),
      element("td", {}, formatTime(curve.buckets.at(-1)[0])),
      element("td", {}, curve.count.toLocaleString("en-US")));
  });
  const table = element("table", { class: "latency" }, element("thead", {}, head), element("tbody", {}, ...body));
  const show = (part) => {
    here.textContent = `here: p${percent(part)}`;
    curves.forEach((curve, i) => {
      cells[i].textContent = part > lastPart(curve) ? "too few" : formatTime(latencyAt(curve, part));
    });
  };
  return [element("div", { class: "scroll" }, table), show];
}

function latencyFigure(test, name, curves) {
  const [table, show] = latencyTable(curves);
  const figure = element("figure", { class: "latencies" });
  figure.append(element("figcaption", {}, element("b", {}, name)));
  figure.append(plot(joined(test, name), "Latency of each way by percentile, both axes logarithmic. The table below has the same figures.",
    (svg, width) => drawLatencies(svg, width, curves, follower(show))));
  figure.append(table);
  return figure;
}

function costCells(rows, way) {
  return rows.map((row) => [row, row.cells.find((cell) => cell.way === way)]).filter(([, cell]) => cell);
}

// `isLogarithmic` says it of the scale.
function costScale(rows, frame) {
  const cells = rows.flatMap((row) => shownCells(row).map((cell) => shownFigures(row, cell)));
  const low = Math.min(...cells.map((one) => one.low)), high = Math.max(...cells.map((one) => one.high));
  const logarithmic = (from, to) => Object.assign(logScale(from, to, frame.bottom, frame.top), { isLogarithmic: true });
  if (rows[0].isRatio) return logarithmic(Math.min(low, 0.9) * 0.95, Math.max(high, 1.1) * 1.05);
  if (low > 0 && high / low > 8) return logarithmic(low * 0.85, high * 1.15);
  return linearScale(Math.min(0, low), (high || 1) * 1.08, frame.bottom, frame.top);
}

function drawCost(svg, width, rows, ways) {
  const isRatio = rows[0].isRatio;
  const height = Math.min(340, Math.max(250, width * 0.36)), frame = frameOf(width, height);
  const sizes = [...new Set(rows.map((row) => row.subject.services))].sort((a, b) => a - b);
  const margin = 18;
  const x = logScale(sizes[0], sizes.at(-1), frame.left + margin, frame.right - margin);
  const y = costScale(rows, frame);
  frame.xTicks = sizes.map((size) => [size, size.toLocaleString("en-US")]);
  frame.yTicks = y.ticks(28, isRatio ? RATIO_STEPS : undefined).map((tick) => [tick, formatTick(tick)]);
  drawFrame(svg, x, y, frame, { x: y.isLogarithmic ? "Services; both axes logarithmic" : "Services, logarithmic" });
  if (isRatio) svg.append(shape("line", { class: "reference", x1: frame.left, x2: frame.right, y1: y(1), y2: y(1) }));
  ways.forEach((way, i) => {
    const points = costCells(rows, way);
    const beside = (i - (ways.length - 1) / 2) * Math.min(4, 24 / ways.length);
    const at = ([row]) => x(row.subject.services) + beside;
    const group = shape("g", { style: `--way: ${colourOf(way)}` });
    group.append(shape("path", {
      class: `curve ${way === "direct again" ? "again" : ""}`,
      d: points.map((one, j) => `${j ? "L" : "M"}${at(one)} ${y(shownFigures(...one).median)}`).join(""),
    }));
    for (const one of points) {
      const shown = shownFigures(...one);
      group.append(shape("line", { class: "spread", x1: at(one), x2: at(one), y1: y(shown.low), y2: y(shown.high) }));
      const point = mark(way, at(one), y(shown.median));
      point.append(shape("title", {}, `${sizeOf(one[0].subject)}, ${describeCell(...one)}`));
      group.append(point);
    }
    svg.append(group);
  });
  return height;
}

function costFigure(test, name, rows) {
  const [{ isRatio, subject }] = rows;
  const ways = figures.ways.filter((way) => rows.some((row) => shownCells(row).some((cell) => cell.way === way)));
  const figure = element("figure", { class: "cost" });
  const of = isRatio ? "ratio to direct" : unitName(subject.unit);
  figure.append(element("figcaption", {}, element("b", {}, name),
    `: ${of}; medians and quartiles; ${subject.better} is better`));
  const legend = element("div", { class: "legend" }, ...ways.map((way) => element("span", {}, key(way), way)));
  figure.append(legend, plot(joined(test, name), `Against the number of Services, logarithmic: ${of} of each way.`,
    (svg, width) => drawCost(svg, width, rows, ways)));
  figure.append(element("details", {}, element("summary", {}, "Table of these figures"), rowsTable(rows)));
  return figure;
}
