// The plot in the browser: moves with the preference, its diamonds can be dragged, and it says what is pointed at.
// Made by figures.py, whose layout.meta says what moves; `tell` is that of clicks.js.
const TOUCH = matchMedia("(pointer: coarse)").matches;
const REACH = TOUCH ? 28 : 16; // px around a diamond where it can be taken
const SETTLE_MS = 250, PIXELS = 1600; // of a picture's width
let plot = null, shares = null, frame = null, settling = null, dragged = null, pointer = null, shownIn = null, down = false;
const kept = new Map(); // zoom or camera by uirevision: the plot is made anew with each figure

const meta = () => plot.layout.meta;
const mode = () => (document.querySelector(".dark") ? "dark" : "light");
const make = (tag, attributes, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
};

// Where a front is expected at a preference: as merging.front.expected computes it.
function corners(one, mu) { // [weight, index] of the measured points whose weighted mean is expected
  if (one.nearest) {
    const far = one.preferences.map((p) => p.reduce((sum, v, i) => sum + (v - mu[i]) ** 2, 0));
    return [[1, far.indexOf(Math.min(...far))]];
  }
  const parts = Math.round(1 / Math.min(...one.preferences.flat().filter((v) => v > 1e-9)));
  one.at ??= new Map(one.preferences.map((p, i) => [p.map((v) => Math.round(v * parts)).join(), i]));
  let sum = 0;
  const sums = mu.slice(0, -1).map((v) => Math.round((sum += v) * parts * 1e9) / 1e9);
  const corner = sums.map(Math.floor), fractions = sums.map((v, i) => v - corner[i]);
  const order = fractions.map((_, i) => i).sort((a, b) => fractions[b] - fractions[a] || b - a);
  const ends = [1, ...order.map((i) => fractions[i]), 0];
  return ends.slice(0, -1).flatMap((end, k) => {
    if (k) corner[order[k - 1]] += 1;
    const cell = [...corner, parts].map((v, i, all) => v - (i ? all[i - 1] : 0)).join();
    return end - ends[k + 1] > 0 ? [[end - ends[k + 1], one.at.get(cell)]] : [];
  });
}

const mean = (weighted, rows) => rows[0].map((_, j) => weighted.reduce((sum, [w, i]) => sum + w * rows[i][j], 0));

function place(one, mu) { // rewards [n] there, and what is clicked and said
  const weighted = corners(one, mu), rewards = mean(weighted, one.rewards), [, i] = weighted[0];
  const at = mu.map((v) => `${Math.round(100 * v)} %`).join(" / ");
  const words = meta().labels.map((label, j) => `${label} ${rewards[j].toFixed(2)}`).join(", ");
  const tip = one.tips?.[i] ?? `${one.label} at ${at}\n${words}${one.draggable ? "\nDrag it along its front" : ""}`;
  return { rewards, errors: one.errors && mean(weighted, one.errors).map((v) => v / 2), about: [one.keys?.[i] ?? "", tip] };
}

const seen = (rewards) => meta().axes.map((axis, k) => { // cut off at the edges, as in canvas.py
  const range = meta().ranges?.[k], value = rewards[axis], margin = range && 0.015 * (range[1] - range[0]);
  return !range || (value >= range[0] && value <= range[1]) ? value
    : Math.min(Math.max(value, range[0] + margin), range[1] - margin);
});

function pixels([x, y]) { // of the page's window
  const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
  return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)];
}

// A move in a plane only shifts what is drawn, which takes no time; plotly is told when the preference rests.
function follow() {
  frame = null;
  if (!plot || shares?.length !== meta().labels.length) return;
  for (const one of meta().moving) {
    one.now = place(one, shares);
    const node = meta().space ? null : plot.calcdata[one.trace]?.[0].node3?.node(), { x, y } = plot._fullData[one.trace];
    if (!node) continue;
    const { xaxis, yaxis } = plot._fullLayout, [toX, toY] = seen(one.now.rewards);
    node.style.transform = `translate(${xaxis.d2p(toX) - xaxis.d2p(x[0])}px, ${yaxis.d2p(toY) - yaxis.d2p(y[0])}px)`;
  }
  if (meta().space) settle();
  else rest();
}

function rest() { // not while anything is held, since to draw the plot again takes longer than a frame
  clearTimeout(settling);
  settling = setTimeout(() => (down ? rest() : settle()), SETTLE_MS);
}

function settle() {
  clearTimeout(settling);
  const moved = plot ? meta().moving.filter((one) => one.now) : [];
  if (!moved.length) return;
  const update = {};
  ["x", "y", "z"].slice(0, meta().axes.length).forEach((name, k) => {
    update[name] = moved.map((one) => [seen(one.now.rewards)[k]]);
    update[`error_${name}.array`] = moved.map((one) => one.now.errors && [one.now.errors[meta().axes[k]]]);
  });
  moved.forEach((one) => plot.calcdata[one.trace]?.[0].node3?.style("transform", null));
  window.Plotly.restyle(plot, update, moved.map((one) => one.trace));
}

document.addEventListener("pointerdown", () => { down = true; }, true);
["pointerup", "pointercancel"].forEach((kind) => document.addEventListener(kind, () => { down = false; }, true));
document.addEventListener("bonesoup:preference", (event) => {
  shares = event.detail.map((v) => v / 100);
  frame ??= requestAnimationFrame(follow);
});

// The diamond that is dragged goes to the nearest preference of its front.
function taken(event) {
  if (!plot || meta().space) return null;
  const far = (one) => {
    const { x, y } = plot._fullData[one.trace], [px, py] = pixels(one.now ? seen(one.now.rewards) : [x[0], y[0]]);
    return Math.hypot(event.clientX - px, event.clientY - py);
  };
  const near = meta().moving.filter((one) => one.draggable && far(one) < REACH).sort((a, b) => far(a) - far(b));
  return near[0] ?? null;
}

function drag(event) {
  const far = (percent) => {
    const [x, y] = pixels(seen(place(dragged, [percent / 100, 1 - percent / 100]).rewards));
    return Math.hypot(event.clientX - x, event.clientY - y);
  };
  const nearest = Array.from({ length: 101 }, (_, percent) => percent).reduce((a, b) => (far(b) < far(a) ? b : a));
  if (shares && Math.round(100 * shares[0]) === nearest) return;
  document.dispatchEvent(new CustomEvent("bonesoup:prefer", { detail: [nearest, 100 - nearest] }));
}

function listen(front) {
  if (front.dataset.listens) return;
  front.dataset.listens = "yes";
  const capture = { capture: true, passive: false };
  let start = null, under = null;
  front.addEventListener("pointerdown", (event) => {
    pointer = event;
    dragged = event.button ? null : taken(event);
    if (!dragged) return;
    start = [event.clientX, event.clientY];
    under = TOUCH ? null : plot._hoverdata?.[0];
    front.setPointerCapture(event.pointerId);
    front.classList.add("dragging");
  }, capture);
  front.addEventListener("pointermove", (event) => {
    pointer = event; // in space plotly does not say where it is
    if (!dragged) front.classList.toggle("takes", taken(event) !== null);
    else if (start && Math.hypot(event.clientX - start[0], event.clientY - start[1]) < 4) return;
    else { start = null; say(null); drag(event); }
  }, capture);
  for (const end of ["pointerup", "pointercancel"]) {
    front.addEventListener(end, () => {
      if (dragged && start && under) click(under); // not moved: a click on what lies beneath
      dragged = start = null;
      front.classList.remove("dragging");
    }, capture);
  }
  front.addEventListener("mousedown", (event) => { if (dragged) event.stopPropagation(); }, capture);
  // Fingers scroll the page, and tap; only in the whole window they turn and zoom. Wheels zoom with Ctrl.
  front.addEventListener("touchstart", (event) => {
    if (dragged) event.preventDefault();
    if (dragged || !front.classList.contains("whole")) event.stopPropagation();
  }, capture);
  front.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !front.classList.contains("whole")) event.stopPropagation();
  }, capture);
}

// What is pointed at is said in a corner where it covers neither names nor the place itself.
const about = (point) => meta().moving.find((one) => one.trace === point.curveNumber)?.now?.about ?? point.customdata;

function click(point) {
  const [key] = about(point) ?? [];
  if (key) tell(key);
}

function say(point) {
  shownIn?.remove();
  shownIn = null;
  const [, tip] = (point && about(point)) ?? [];
  if (!tip || dragged || !pointer) return;
  shownIn = make("div", { className: "tip" }, ...tip.split("\n").map((line) => make("div", { textContent: line })));
  plot.closest("#front").append(shownIn);
  const names = [...plot.querySelectorAll(".annotation")].map((node) => node.getBoundingClientRect());
  const { clientX: x, clientY: y } = pointer, here = { left: x - 8, right: x + 8, top: y - 8, bottom: y + 8 };
  const free = (corner) => {
    shownIn.dataset.corner = corner;
    const box = shownIn.getBoundingClientRect();
    const meets = (r) => r.left < box.right && r.right > box.left && r.top < box.bottom && r.bottom > box.top;
    return ![...names, here].some(meets);
  };
  ["bottom left", "bottom right", "top right", "top left", "below"].find(free);
}

// Buttons: picture, whole window, and back to the view that it began with.
function picture() {
  settle();
  const { width, height } = plot._fullLayout, paper = meta().paper[mode()];
  const preference = (shares ?? meta().preference).map((v) => Math.round(100 * v)).join("-");
  const layout = { ...plot.layout, paper_bgcolor: paper, autosize: false, width, height };
  window.Plotly.downloadImage({ data: plot.data, layout }, {
    format: "png", width, height, scale: Math.max(2, PIXELS / width),
    filename: `${meta().name} ${preference}`.replace(/[^\p{L}\p{N}]+/gu, "-").toLowerCase(),
  });
}

function whole(wanted) {
  const front = plot.closest("#front");
  front.classList.toggle("whole", wanted);
  front.querySelector(".tools .size").textContent = wanted ? "Close" : "Full screen";
  if (wanted) front.requestFullscreen?.().catch(() => {}); // a phone may have none: then it fills the window
  else if (document.fullscreenElement) document.exitFullscreen();
  fit();
}

function fit() {
  const front = plot.closest("#front"), large = front.classList.contains("whole");
  const size = { width: front.clientWidth - 16, height: innerHeight - front.querySelector(".tools").offsetHeight - 16 };
  window.Plotly.relayout(plot, large ? size : { width: null, height: meta().height, autosize: true });
}

document.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement && plot?.closest(".whole")) whole(false); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && plot?.closest(".whole")) whole(false); });
window.addEventListener("resize", () => { if (plot?.closest(".whole")) fit(); });
document.addEventListener("bonesoup:picture", () => { if (plot) picture(); });

const view = () => (meta().space ? { "scene.camera": plot.layout.scene.camera }
  : { "xaxis.range": [...plot.layout.xaxis.range], "yaxis.range": [...plot.layout.yaxis.range] });

function tools(front) {
  if (front.querySelector(".tools")) return;
  const button = (name, label, run) => {
    const made = make("button", { type: "button", className: name, textContent: label });
    made.addEventListener("click", run);
    return made;
  };
  front.append(make("div", { className: "tools" },
    button("reset", "Reset view", () => window.Plotly.relayout(plot, meta().start)),
    button("picture", "Save picture", picture),
    button("size", "Full screen", () => whole(!front.classList.contains("whole")))));
}

function looked() { // the view has been changed: it is kept, and the way back offered
  kept.set(plot.layout.uirevision, view());
  plot.closest("#front").classList.toggle("changed", JSON.stringify(view()) !== JSON.stringify(meta().start));
}

function bind() { // the plot is made anew with each figure, so it is looked for after every change of the page
  const found = document.querySelector("#front .js-plotly-plot");
  if (!found?.on || !found._fullLayout || found === plot) return;
  plot = found;
  if (!meta()) return;
  const front = plot.closest("#front");
  meta().start = view();
  meta().height = plot.layout.height;
  listen(front);
  tools(front);
  plot.on("plotly_click", (event) => click(event.points[0]));
  plot.on("plotly_hover", (event) => say(event.points[0]));
  plot.on("plotly_unhover", () => say(null));
  plot.on("plotly_relayout", looked);
  const update = { ...(mode() === "dark" ? meta().ink.dark : {}), ...kept.get(plot.layout.uirevision) };
  if (Object.keys(update).length) window.Plotly.relayout(plot, update);
  if (front.classList.contains("whole")) fit();
  follow();
}
new MutationObserver(bind).observe(document.body, { childList: true, subtree: true });
new MutationObserver(() => { if (plot) window.Plotly.relayout(plot, meta().ink[mode()]); })
  .observe(document.body, { attributes: true, attributeFilter: ["class"] });
bind();
