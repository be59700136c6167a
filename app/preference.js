// The preference control: one slider per objective, always 100 % together; with three also a triangle.
// props.value [n]: percentages. Every move, by whomever, is the event 'bonesoup:preference' with them; 'bonesoup:prefer' is
// taken as a move by hand, 'bonesoup:put' as it is. Triggers 'rest' when it comes to rest off props.grid, to which pointers snap; keys do not.
const CORNERS = [[100, 8], [8, 168], [192, 168]]; // of the triangle, in units of its view box
const REST_MS = 450;
let locked = null, timer = null, sliders = [], handle = null, held = false, nudge = null;

const shown = (x) => `${Number.isInteger(x) ? x : x.toFixed(1)} %`;
const words = () => props.labels.map((label, i) => `${shown(props.value[i])} ${label.toLowerCase()}`).join(", ");

function whole(values) { // integers with the same sum of 100, by largest remainder
  const floors = values.map((v) => Math.floor(v + 1e-9));
  const order = values.map((v, i) => [v - floors[i], i]).sort((a, b) => b[0] - a[0]);
  const left = 100 - floors.reduce((a, b) => a + b, 0);
  order.slice(0, left).forEach(([, i]) => { floors[i] += 1; });
  return floors;
}

function move(i, wanted) { // objective i gets `wanted`, the others share the rest as before
  const values = [...props.value], fixed = locked === null || locked === i ? 0 : values[locked];
  const others = values.map((_, j) => j).filter((j) => j !== i && j !== locked);
  values[i] = Math.min(Math.max(wanted, 0), 100 - fixed);
  const rest = 100 - fixed - values[i], before = others.reduce((sum, j) => sum + values[j], 0);
  others.forEach((j) => { values[j] = before > 0 ? (values[j] / before) * rest : rest / others.length; });
  set(Number.isInteger(fixed) ? whole(values) : values);
}

function nearest(values) { // of the grid, with the locked share as it is; `values` themselves where there is none
  const distance = (row) => row.reduce((sum, share, i) => sum + (share - values[i]) ** 2, 0);
  const rows = props.grid.filter((row) => locked === null || Math.abs(row[locked] - values[locked]) < 0.01);
  return rows.reduce((best, row) => (distance(row) < distance(best) ? row : best), rows[0] ?? values);
}

function set(values, snap = held) {
  props.value = snap ? [...nearest(values)] : values;
  show();
  settle();
}

function settle() {
  clearTimeout(timer);
  const on = props.grid.some((row) => row.every((share, i) => Math.abs(share - props.value[i]) < 0.01));
  if (!on) timer = setTimeout(() => trigger("rest"), REST_MS);
}

function show() {
  if (props.value.length !== sliders.length) return; // half of an update to another set
  sliders.forEach(({ range, output, lock }, i) => {
    range.value = props.value[i];
    range.style.setProperty("--filled", `${props.value[i]}%`);
    range.disabled = locked === i;
    output.textContent = shown(props.value[i]);
    lock?.setAttribute("aria-pressed", locked === i);
    if (lock) lock.textContent = locked === i ? "locked" : "lock";
  });
  if (handle) {
    const [x, y] = [0, 1].map((axis) => CORNERS.reduce((sum, c, i) => sum + (c[axis] * props.value[i]) / 100, 0));
    handle.setAttribute("cx", x);
    handle.setAttribute("cy", y);
    handle.setAttribute("aria-valuetext", words());
    handle.setAttribute("aria-valuenow", Math.round(props.value[0]));
  }
  document.dispatchEvent(new CustomEvent("bonesoup:preference", { detail: [...props.value] }));
}

function make(tag, attributes, ...children) {
  const svg = ["svg", "polygon", "circle", "text"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
  node.append(...children);
  return node;
}

function slider(label, i) {
  const range = make("input", { type: "range", min: 0, max: 100, step: 1, id: `slider-${i + 1}`, "aria-label": label });
  const output = make("output", { for: range.id });
  const name = make("label", { for: range.id, title: props.descriptions[i] }, label);
  const about = make("small", { class: "about" }, props.descriptions[i]);
  range.addEventListener("pointerdown", () => { held = true; });
  range.addEventListener("input", () => move(i, Number(range.value)));
  const row = make("div", { class: "share" }, name, range, output);
  let lock = null;
  if (props.labels.length > 2) {
    lock = make("button", { type: "button", class: "lock", "aria-label": `Lock ${label}`, title: `Keep ${label} where it is` });
    lock.addEventListener("click", () => { locked = locked === i ? null : i; show(); });
    row.append(lock);
  }
  sliders.push({ range, output, lock });
  return [row, about];
}

function triangle() {
  const svg = make("svg", { viewBox: "-30 -12 260 206", class: "triangle" });
  svg.append(make("polygon", { points: CORNERS.map((c) => c.join(",")).join(" ") }));
  props.rows.forEach((row) => {
    const [cx, cy] = [0, 1].map((axis) => CORNERS.reduce((sum, c, i) => sum + (c[axis] * row[i]) / 100, 0));
    svg.append(make("circle", { cx, cy, r: 3, class: "row-of-b" }));
  });
  props.labels.forEach((label, i) => {
    const [x, y] = CORNERS[i];
    svg.append(make("text", { x, y: i ? y + 20 : y - 8, "text-anchor": "middle" }, label));
  });
  handle = make("circle", {
    r: 9, class: "handle", tabindex: 0, role: "slider", "aria-label": "Preference in the triangle",
    "aria-valuemin": 0, "aria-valuemax": 100,
  });
  svg.append(handle);
  const to = (event) => { // barycentric coordinates of the pointer, cut off at the edges
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const [[ax, ay], [bx, by], [cx, cy]] = CORNERS, area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy);
    const a = ((by - cy) * (point.x - cx) + (cx - bx) * (point.y - cy)) / area;
    const b = ((cy - ay) * (point.x - cx) + (ax - cx) * (point.y - cy)) / area;
    const cut = [a, b, 1 - a - b].map((v) => Math.max(v, 0)), sum = cut[0] + cut[1] + cut[2];
    if (locked === null) return set(cut.map((v) => (100 * v) / sum), true);
    const free = [0, 1, 2].find((i) => i !== locked);
    move(free, Math.round((cut[free] / (sum - cut[locked] || 1)) * (100 - props.value[locked])));
  };
  svg.addEventListener("pointerdown", (event) => { svg.setPointerCapture(event.pointerId); handle.focus({ preventScroll: true }); to(event); });
  svg.addEventListener("pointermove", (event) => { if (svg.hasPointerCapture(event.pointerId)) to(event); });
  handle.addEventListener("keydown", (event) => { // up: more of the first; left and right: of the second or third
    const i = { ArrowUp: 0, ArrowDown: 0, ArrowLeft: 1, ArrowRight: 2 }[event.key];
    if (i === undefined || i === locked) return;
    event.preventDefault();
    move(i, Math.round(props.value[i]) + (event.key === "ArrowDown" ? -2 : 2));
  });
  return svg;
}

function presets() {
  const n = props.labels.length, row = make("div", { class: "presets", role: "group", "aria-label": "Presets" });
  const add = (label, title, values) => {
    const button = make("button", { type: "button", title }, label);
    button.addEventListener("click", () => { locked = null; set(values, false); });
    row.append(button);
  };
  props.labels.forEach((label, i) => {
    add(`all ${label.toLowerCase()}`, `${label} alone`, props.labels.map((_, j) => (i === j ? 100 : 0)));
  });
  add("balanced", "The same share for every objective", props.labels.map(() => 100 / n));
  props.rows.forEach((values, i) => {
    add(`backbone ${i + 1}`, `Row ${i + 1} of B: ${values.map(shown).join(" / ")}; that backbone alone`, values);
  });
  return row;
}

function build() {
  const root = element.querySelector(".preference");
  sliders = [];
  handle = null;
  locked = null;
  const rows = props.labels.flatMap(slider);
  const box = make("div", { class: "shares" }, ...rows);
  root.replaceChildren(...(props.labels.length === 3 ? [box, triangle()] : [box]), presets());
  show();
}

function demonstrate() { // on the first visit, once: what the slider is for. It ends where it began, or at the first touch
  let seen = true, frame = 0;
  try { seen = localStorage.getItem("bonesoup-seen"); localStorage.setItem("bonesoup-seen", "1"); } catch { /* no storage */ }
  if (seen || touched || location.hash.includes("set=") || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const start = props.value, corner = props.grid.at(-1), frames = 10;
  nudge = setInterval(() => {
    frame += 1;
    const share = 0.6 * Math.sin((Math.PI * frame) / frames);
    props.value = frame < frames ? [...nearest(start.map((v, i) => v + share * (corner[i] - v)))] : start;
    show();
    if (frame === frames) clearInterval(nudge);
  }, 150);
}

let touched = false;
["pointerdown", "keydown"].forEach((kind) => addEventListener(kind, () => { touched = true; clearInterval(nudge); }, true));
build();
setTimeout(demonstrate, 1200);
watch("labels", build);
watch("value", () => { show(); settle(); }); // by the server, too
document.addEventListener("bonesoup:prefer", (event) => set(event.detail, true));
document.addEventListener("bonesoup:put", (event) => set([...event.detail], false));
["pointerup", "pointercancel"].forEach((kind) => addEventListener(kind, () => { held = false; }));
