// The story of four steps, see story.py: a button, and a card that moves the sliders ('bonesoup:put'), outlines what it speaks
// of in page and plot, and gives back what it found. Nothing of it asks the server for anything.
const STEP_MS = 75, STAY_MS = 3200; // between two places of the grid on the way to a stop, and at a stop
const WIDTH = 340, LANE = 22, TOP = 46, BOTTOM = 104, DEEPEST = 0.1; // of the picture
const calm = matchMedia("(prefers-reduced-motion: reduce)"), narrow = matchMedia("(max-width: 760px)");
let step = null, timers = [], now = props.at, before = null, parts = {}, sharpness = 0.6, known = "";

const story = () => props.value;
const current = () => story().steps[step];
const make = (tag, attributes = {}, ...children) => {
  const svg = ["svg", "line", "path", "circle", "rect", "text"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
  node.append(...children);
  return node;
};
const button = (label, run, attributes = {}) => {
  const made = make("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", run);
  return made;
};
const signed = (value) => `${+value.toFixed(2)}`.replace("-", "−");
const vector = (values) => `(${values.map((value) => signed(value + 0)).join(", ")})`;

// The sliders: through the stops one after the other, until somebody touches something.
const put = (at) => document.dispatchEvent(new CustomEvent("bonesoup:put", { detail: at }));
const same = (one, other) => one.length === other.length && one.every((share, i) => Math.abs(share - other[i]) < 0.01);
const halt = () => { timers.forEach(clearTimeout); timers = []; };
const later = (run, ms) => timers.push(setTimeout(run, ms));

function way(from, to) { // the places of the grid between two preferences, and the last
  const far = (row, at) => row.reduce((sum, share, i) => sum + (share - at[i]) ** 2, 0);
  const places = [];
  for (let t = 0.05; t < 1; t += 0.05) {
    const at = from.map((share, i) => share + t * (to[i] - share));
    const row = story().grid.reduce((best, one) => (far(one, at) < far(best, at) ? one : best));
    if (!same(places.at(-1) ?? from, row) && !same(to, row)) places.push(row);
  }
  return [...places, to];
}

function visit(i, onward) { // a stop; and those after it
  const { at, say } = current().stops[i], places = calm.matches ? [at] : way(now, at);
  places.forEach((place, k) => later(() => put(place), k * STEP_MS));
  later(() => {
    parts.stops.forEach((one, k) => one.setAttribute("aria-pressed", k === i));
    parts.caption.textContent = say;
    if (onward && i + 1 < current().stops.length) later(() => visit(i + 1, true), STAY_MS);
  }, (places.length - 1) * STEP_MS);
}

// Outlines.
function mark() {
  const wanted = step === null ? [] : current().parts.map((part) => document.querySelector(part)).filter(Boolean);
  document.querySelectorAll(".told").forEach((node) => { if (!wanted.includes(node)) node.classList.remove("told"); });
  wanted.forEach((node) => node.classList.add("told"));
  const plot = document.querySelector("#front .js-plotly-plot");
  plot?.calcdata?.forEach(([first]) => {
    const spoken = step !== null && current().traces.includes(first?.trace?.name);
    first?.node3?.node()?.classList.toggle("spoken", spoken);
  });
}
const watching = new MutationObserver(mark);

function look() { // on a phone not all is in view at once
  const where = document.querySelector(narrow.matches ? current().see : "#front");
  document.documentElement.style.setProperty("--lid", `${narrow.matches ? document.querySelector("#preference").offsetHeight : 0}px`);
  where?.scrollIntoView({ block: "start", behavior: calm.matches ? "auto" : "smooth" });
}

// Opening, turning, leaving.
const other = () => ["left", "right"].some((side, i) => {
  const chosen = document.querySelector(`#method-${side} input`)?.value;
  return chosen !== undefined && chosen !== story().methods[i];
});
const differs = () => document.querySelector("#columns [data-differences]");

function open() {
  before = { at: now, top: scrollY, marked: differs()?.checked };
  known = JSON.stringify(story());
  watching.observe(document.querySelector("#picture"), { childList: true, subtree: true });
  turn(0);
}

function close() {
  halt();
  step = null;
  watching.disconnect();
  mark();
  build();
}

function leave() {
  const { at, top, marked } = before;
  close();
  put(at);
  if (differs() && differs().checked !== marked) differs().click();
  scrollTo({ top, behavior: "instant" });
  parts.tour.focus({ preventScroll: true });
}

function turn(to) {
  if (to < 0) return;
  if (to >= story().steps.length) { leave(); return; }
  halt();
  const focused = step !== null && element.contains(document.activeElement) && document.activeElement.dataset.go;
  step = to;
  tell();
  (parts[focused] && !parts[focused].disabled ? parts[focused] : parts.title).focus({ preventScroll: true });
  mark();
  look();
  visit(0, true);
}

function tell() {
  const { title, words, stops, task, figure } = current(), last = step + 1 === story().steps.length;
  const go = (name, label, run, more = {}) => (parts[name] = button(label, run, { "data-go": name, ...more }));
  parts.title = make("h2", { tabindex: -1, id: "story-title" }, title);
  parts.stops = stops.map(({ name }, i) => button(name, () => { halt(); visit(i, false); }, { "aria-pressed": false }));
  parts.caption = make("span", { class: "caption", role: "status" });
  parts.task = make("p", { class: "task" }, make("b", {}, "Your turn: "), task.say);
  const note = other() ? [make("p", { class: "aside" }, `The story is about ${story().methods.join(" and ")}; your columns hold something else.`)] : [];
  const card = make("section", { class: "card", "aria-labelledby": "story-title" },
    make("div", { class: "bar" },
      make("span", { class: "count" }, `${step + 1} of ${story().steps.length}`), parts.title,
      make("div", { class: "turns" },
        go("back", "Back", () => turn(step - 1), step ? {} : { disabled: "" }),
        go("next", last ? "Done" : "Next", () => turn(step + 1), { class: "next" }),
        go("leave", "Leave", leave, { title: "Esc. All is as it was before." }))),
    make("div", { class: "body" },
      make("div", { class: "saying" },
        make("div", { class: "words", "aria-live": "polite" }, ...words.map((one) => make("p", {}, one)), ...note),
        make("div", { class: "stops", role: "group", "aria-label": "Stops of the slider" }, ...parts.stops), parts.caption, parts.task),
      ...(figure ? [make("div", { class: "figure" }, ...FIGURES[figure]())] : [])));
  element.querySelector(".card")?.remove();
  element.querySelector(".story").append(card);
  follow();
}

// Figures: B and its inverse; and two quadratic rewards, as in merging.theory, with the first best at 1, the second at 0.
const FIGURES = {
  matrices() {
    const table = (caption, rows) => make("table", {}, make("caption", {}, caption),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((value) => {
        const cell = make("td", {}, signed(value));
        cell.style.setProperty("--much", `${Math.min(60, 8 + 36 * Math.abs(value))}%`);
        cell.style.setProperty("--sign", story().colours[value < 0 ? 1 : 0]);
        return cell;
      })))));
    parts.says = make("p", { class: "says" });
    return [make("div", { class: "tables" }, table("B: a row for each backbone", story().matrix), table("B⁻¹", story().inverse)), parts.says];
  },
  sharpness() {
    parts.picture = make("svg", { viewBox: `0 0 ${WIDTH} 118`, "aria-hidden": "true" });
    parts.says = make("p", { class: "says" });
    const label = make("label", { for: "sharpness" }, "Second reward");
    const range = make("input", { type: "range", id: "sharpness", min: -1, max: 1, step: 0.1, value: sharpness });
    parts.sharp = make("output", { for: "sharpness" });
    range.addEventListener("input", () => { sharpness = Number(range.value); follow(); });
    parts.range = range;
    return [parts.picture, make("div", { class: "sharp" }, label, range, parts.sharp), parts.says];
  },
};

function theory(m) { // where models land at the share m of the first reward, and what they lose against the best there
  const { beta } = story(), ratio = Number((10 ** sharpness).toPrecision(2)), sharpest = Math.max(1, ratio);
  const best = (share) => share / (share + ratio * (1 - share)), first = (m - 1 + beta) / (2 * beta - 1);
  const at = [first * best(beta) + (1 - first) * best(1 - beta), m, best(m)]; // Bone Soup, Rewarded Soup, the best
  const lost = at.map((one) => ((m + ratio * (1 - m)) / sharpest) * (one - at[2]) ** 2);
  return { at, lost, ratio, backbones: [best(beta), best(1 - beta)] };
}

function draw() {
  const m = now[0] / 100, { at, lost, ratio, backbones } = theory(m), { colours, methods, labels } = story();
  const x = (share) => 20 + (WIDTH - 40) * Math.min(Math.max(share, -0.04), 1.04);
  const y = (loss) => TOP + (BOTTOM - TOP) * Math.min(loss / DEEPEST, 1.1);
  const shares = Array.from({ length: 101 }, (_, i) => i / 100);
  const curve = (i) => make("path", { class: "curve", stroke: colours[i],
    d: shares.map((share, k) => `${k ? "L" : "M"}${x(share).toFixed(1)} ${y(theory(share).lost[i]).toFixed(1)}`).join("") });
  const diamond = (px, py, r, more) => make("path", { d: `M${px - r} ${py}L${px} ${py - r}L${px + r} ${py}L${px} ${py + r}Z`, ...more });
  const square = (px, py, more) => make("rect", { x: px - 5, y: py - 5, width: 10, height: 10, ...more });
  const text = (px, py, words, more = {}) => make("text", { x: px, y: py, ...more }, words);
  parts.picture.replaceChildren(
    make("line", { class: "axis", x1: x(0), x2: x(1), y1: LANE, y2: LANE }),
    make("line", { class: "axis", x1: x(0), x2: x(1), y1: TOP, y2: TOP }),
    make("line", { class: "here", x1: x(m), x2: x(m), y1: LANE, y2: BOTTOM }),
    text(x(0) - 16, 10, "specialist 2"), text(x(1) + 16, 10, "specialist 1", { "text-anchor": "end" }),
    text(WIDTH / 2, 10, "where each lands", { "text-anchor": "middle" }),
    text(WIDTH / 2, BOTTOM + 11, "what each loses against the best model", { "text-anchor": "middle" }),
    ...backbones.map((one) => diamond(x(one), LANE, 6, { class: "backbone", stroke: colours[0] })),
    curve(1), curve(0),
    make("circle", { cx: x(at[2]), cy: LANE, r: 5.5, fill: colours[2] }),
    square(x(at[1]), LANE, { fill: colours[1] }), diamond(x(at[0]), LANE, 6, { fill: colours[0] }),
    square(x(m), y(lost[1]), { fill: colours[1] }), diamond(x(m), y(lost[0]), 6, { fill: colours[0] }));
  const sharper = ratio === 1 ? "as sharp" : `${ratio} × as sharp`;
  parts.sharp.textContent = sharper;
  parts.range.setAttribute("aria-valuetext", `${sharper} as the first`);
  const share = `${Math.round(100 * m)} % ${labels[0].toLowerCase()}`;
  const best = make("span", { "aria-hidden": "true" }, "● ");
  best.style.color = colours[2];
  parts.says.replaceChildren(best, `best model. At ${share}: `, ...[1, 0].flatMap((i) => {
    const sign = make("span", { "aria-hidden": "true" }, i ? "■ " : "◆ ");
    sign.style.color = colours[i];
    return [sign, `${methods[i]}${i ? " loses" : ""} ${lost[i].toFixed(3)}${i ? ", " : "."}`];
  }));
}

function follow() {
  if (step === null || now.length !== story().labels.length) return;
  if (current().figure === "sharpness") draw();
  if (current().figure !== "matrices") return;
  const mu = now.map((share) => share / 100), lambda = story().inverse.map((row) => row.reduce((sum, v, i) => sum + v * mu[i], 0));
  parts.says.textContent = `μ = ${vector(mu)} → λ = B⁻¹ μ = ${vector(lambda)}`;
}

function build() {
  parts = { tour: button("Take the tour (2 min)", () => (step === null ? open() : leave()), { class: "tour" }) };
  element.querySelector(".story").replaceChildren(...(story()?.steps.length ? [parts.tour] : []));
}

document.addEventListener("bonesoup:preference", (event) => { now = event.detail; follow(); });
["pointerdown", "keydown"].forEach((kind) => addEventListener(kind, (event) => { if (!element.contains(event.target)) halt(); }, true));
["input", "click"].forEach((kind) => document.addEventListener(kind, (event) => {
  if (step !== null && event.target.closest?.(current().task.where)) parts.task.classList.add("done");
}));
document.addEventListener("keydown", (event) => {
  const { target, key, altKey, ctrlKey, metaKey } = event;
  if (step === null || event.defaultPrevented || altKey || ctrlKey || metaKey || document.querySelector("#front.whole")) return;
  const typing = target.matches("textarea, input:not([type=range], [type=checkbox])");
  if (key === "Escape" && !typing) leave();
  const free = !typing && !target.matches("input, [role=slider], [role=tab]");
  if (key === "ArrowRight" && free) turn(step + 1);
  if (key === "ArrowLeft" && free) turn(step - 1);
});
watch("value", () => { // another set has another story; where it is the same, it goes on
  if (step !== null && JSON.stringify(story()) === known) return;
  if (step === null) build();
  else close();
});
build();
