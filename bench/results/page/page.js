// The page: header, tables, and a section a part with its plots.

const results = JSON.parse(document.getElementById("results").textContent);
const figures = JSON.parse(document.getElementById("figures").textContent);

function settingList(setting) {
  const list = element("dl", { class: "setting" });
  const add = (name, value) => value && list.append(element("dt", {}, name), element("dd", {}, value));
  const memory = (setting.memoryBytes / 2 ** 30).toFixed(1);
  add("machine", `${setting.host}: ${setting.cpu}, ${plural(setting.cores, "core")}, ${memory} GiB`);
  add("kernel", setting.kernel);
  add("Fairlead", `${setting.version}, commit ${setting.commit}`);
  add("started", setting.started);
  add("command", setting.command && element("code", {}, setting.command));
  add("mitigations", setting.mitigations.length > 0 &&
    element("ul", {}, ...setting.mitigations.map((one) => element("li", {}, one))));
  return list;
}

const READING = [
  "All ways were measured in turn, round after round, so that what disturbs the machine disturbs all of them. A ratio is that of two samples of one round; 1 is the direct way, which has no Services.",
  "“direct again” is a second direct world. How far it is from the first, the grey band (its quartiles), is what two equal ways differ by here.",
  "A box is from the lower to the upper quartile, its line the median, each dot a sample. Intervals are 95 % bootstrap intervals of the median.",
  "* marks the best of a row beside the direct ways, and all that cannot be told from it.",
];

function cellText(row, cell, kind) {
  const format = kind === "ratio" ? formatRatio : formatFigure;
  const shown = cell[kind];
  return [format(shown.median), `${format(shown.low)}–${format(shown.high)}`,
    `${format(shown.interval[0])}–${format(shown.interval[1])}`];
}

// All figures of some rows: a line a way.
function rowsTable(rows) {
  const isRatio = rows.some((row) => row.isRatio);
  const names = ["way", "samples", "median", "quartiles", "95 % interval",
    ...(isRatio ? ["ratio to direct", "quartiles", "95 % interval"] : [])];
  const body = rows.flatMap((row) => [
    element("tr", { class: "test" }, element("th", { colspan: names.length, scope: "rowgroup" },
      joined(row.subject.traffic, row.subject.figure, sizeOf(row.subject), unitName(row.subject.unit)))),
    ...row.cells.map((cell) => element("tr", {},
      element("th", { scope: "row" }, key(cell.way), cell.way + (cell.isBest ? " *" : "")),
      element("td", {}, String(cell.samples.length)),
      ...cellText(row, cell, "absolute").map((text) => element("td", {}, text)),
      ...(hasRatio(row, cell) ? cellText(row, cell, "ratio").map((text) => element("td", {}, text))
        : names.slice(5).map(() => element("td", {}, ""))))),
  ]);
  const head = element("tr", {}, ...names.map((name, i) => element("th", { class: i ? "" : "text", scope: "col" }, name)));
  return element("div", { class: "scroll" },
    element("table", { class: "figures" }, element("thead", {}, head), element("tbody", {}, ...body)));
}

function glanceCell(row, way) {
  const cell = row.cells.find((one) => one.way === way);
  if (!cell) return element("td", { class: "missing" }, "–");
  const [median, around] = cellText(row, cell, hasRatio(row, cell) ? "ratio" : "absolute");
  return element("td", { class: cell.isBest ? "best" : "" }, median + (cell.isBest ? " *" : ""),
    element("span", { class: "around" }, around));
}

// What the terminal shows: a line a Subject, a column a way.
function glanceTable(rows) {
  const ways = figures.ways.filter((way) => rows.some((row) => row.cells.some((cell) => cell.way === way)));
  const head = element("tr", {}, element("th", { class: "text", scope: "col" }, ""),
    ...ways.map((way) => element("th", { scope: "col" }, way)));
  const body = [];
  let test = null;
  for (const row of rows) {
    if (row.subject.test !== test) {
      test = row.subject.test;
      body.push(element("tr", { class: "test" }, element("th", { colspan: ways.length + 1, scope: "rowgroup" }, test)));
    }
    const { subject } = row;
    body.push(element("tr", {},
      element("th", { scope: "row" }, joined(subject.traffic, subject.figure, sizeOf(subject), unitName(subject.unit))),
      ...ways.map((way) => glanceCell(row, way))));
  }
  return element("div", { class: "scroll" }, element("table", { class: "glance" },
    element("thead", {}, head), element("tbody", {}, ...body)));
}

function behindList() {
  const list = element("div", { class: "behind" });
  for (const [way, behind] of Object.entries(figures.behind)) {
    const all = figures.rows.filter((row) => row.cells.some((cell) => cell.way === way)).length;
    if (behind.length === 0) {
      list.append(element("p", {}, `No peer is better than ${way} in any of its ${plural(all, "row")}.`));
      continue;
    }
    list.append(element("p", {}, `A peer is better than ${way}, by more than the noise, in ${behind.length} of ${plural(all, "row")}:`));
    list.append(element("ul", {}, ...behind.map((i) => {
      const { subject } = figures.rows[i];
      return element("li", {}, `${subject.part}: ${joined(subject.test, subject.traffic, subject.figure, sizeOf(subject))}`);
    })));
  }
  return list;
}

// Items with the same key together, in the order of the first of each.
function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const one = JSON.stringify(keyOf(item));
    groups.set(one, [...(groups.get(one) || []), item]);
  }
  return [...groups.values()];
}

function costFigures(test, rows) {
  const figuresOf = ({ subject }) => [subject.traffic, subject.figure, subject.unit, subject.endpoints];
  return grouped(rows, figuresOf).flatMap((group) => {
    const some = group.filter((row) => row.subject.services > 0);
    if (some.length < 2 || some.some((row) => row.isRatio !== some[0].isRatio)) return [];
    const { subject } = some[0];
    return [costFigure(test, `${joined(subject.traffic, subject.figure)} by number of Services`, some)];
  });
}

function testFigures(test, rows, curves) {
  const made = grouped(rows, (row) => [row.subject.services, row.subject.endpoints, row.isRatio])
    .map((group) => boxFigure(test, sizeOf(group[0].subject) || test, group));
  for (const group of grouped(curves, (curve) => curve.subject)) {
    const { subject } = group[0];
    made.push(latencyFigure(test, joined(`latency of ${subject.traffic}`, sizeOf(subject)), group));
  }
  return [...made, ...costFigures(test, rows)];
}

let numbered = 0;

function partSection(part) {
  const rows = figures.rows.filter((row) => row.subject.part === part);
  const curves = results.latencies.filter((curve) => curve.subject.part === part && curve.buckets.length > 0)
    .map((curve) => ({ ...curve, count: curve.buckets.reduce((sum, [, count]) => sum + count, 0) }))
    .sort((a, b) => figures.ways.indexOf(a.way) - figures.ways.indexOf(b.way));
  const section = element("section", { id: `part-${part}` }, element("h2", {}, part));
  if (rows.length > 0) section.append(glanceTable(rows));
  const tests = [...new Set([...rows, ...curves].map((one) => one.subject.test))];
  for (const test of tests) {
    section.append(element("h3", {}, test || part));
    for (const figure of testFigures(test || part, rows.filter((row) => row.subject.test === test),
      curves.filter((curve) => curve.subject.test === test))) {
      figure.id = `figure-${++numbered}`;
      section.append(figure);
    }
  }
  return section;
}

function notMeasuredSection() {
  const section = element("section", { id: "not-measured" }, element("h2", {}, "Not measured"));
  if (results.notMeasured.length === 0) {
    section.append(element("p", {}, "Nothing was left out."));
    return section;
  }
  const head = element("tr", {}, ...["part", "what", "why"].map((name) => element("th", { class: "text", scope: "col" }, name)));
  section.append(element("div", { class: "scroll" }, element("table", {}, element("thead", {}, head),
    element("tbody", {}, ...results.notMeasured.map((one) => element("tr", {},
      ...[one.part, one.what, one.why].map((text) => element("td", { class: "text" }, text))))))));
  return section;
}

function show() {
  const main = document.querySelector("main");
  const subjects = [...figures.rows, ...results.latencies].map((one) => one.subject);
  const parts = [...new Set(subjects.map((subject) => subject.part))];
  main.replaceChildren(
    element("h1", {}, "Fairlead bench"),
    settingList(results.setting),
    ...READING.map((text) => element("p", {}, text)),
    behindList(),
    element("nav", { "aria-label": "Parts" },
      ...parts.map((part) => element("a", { href: `#part-${part}` }, part)),
      element("a", { href: "#not-measured" }, "not measured")),
    ...parts.map(partSection),
    notMeasuredSection());
}

show();
// What the address asks for was not there when the browser looked for it.
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
// Paper has no folds.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
