// Pages at the preferences of a grid, see pages.py: the one nearest to the preference is put in place, in the browser.
// Needs the events 'bonesoup:preference' (detail: percentages), 'bonesoup:stopped', 'bonesoup:ended' of what Write began, and
// 'bonesoup:changed': what is shown is of something else, unless the detail is "suited" or "reopened": what suits came along.
const READ = 1000; // ms for which a text stands beside its method's name until it counts as read
let now = props.at, name = props.name, kept = new Map();
let stale = false; // the pages are of what was given before
let changes = 0, asked = 0, since = 0; // how often something was changed: now, when the exact page was asked for, and when the pages came
let wanted = false, under = ""; // whether a press of Write is to be answered; what is being written: its `place`, or ""
let halted = false, ended = false; // by hand: the pages, and the exact one
const read = new Set(); // texts
let reading = 0; // the timer of those shown

const key = (at) => at.map((share) => share.toFixed(1)).join("/");
const percent = (at) => at.map((share) => `${Math.round(share)} %`).join(" / ");
const distance = (at) => at.reduce((sum, share, i) => sum + (share - now[i]) ** 2, 0);
const here = (at) => at.length === now.length && distance(at) < 0.01;

function nearest() {
  return props.value.reduce((best, page) => (best && distance(best.at) <= distance(page.at) ? best : page), null);
}

function remark(page, exact, shown) { // why what is shown is not what was asked for; empty where it is
  if (exact) return asked === changes ? "" : "Written before your change.";
  if (!page) return "Nothing has been written for this yet: press Write, or Sweep for every preference.";
  if (stale) return "Written before your change.";
  if (!page.parts) {
    const done = props.value.filter((one) => one.parts).length;
    return `${props.stopped || halted ? "Stopped" : "Being written for you"}: ${done} of ${props.value.length} preferences are there.${shown ? " This is from before." : ""}`;
  }
  return here(page.at) ? "" : `This is the text at ${percent(page.at)}, the nearest there is. Write writes at yours.`;
}

function show() {
  const root = element.querySelector(".pages"), note = element.querySelector("[data-note]");
  Object.assign(root, { ask, read }); // for Write and blind.js
  if (props.value.some((page) => page.at.length !== now.length)) return; // half of an update to another set
  const exact = props.exact && here(props.exact.at) && (asked === changes || (stale && asked >= since));
  const page = exact ? props.exact : nearest();
  const shown = page?.parts ? page : page && kept.get(key(page.at)), words = remark(page, exact, shown);
  root.classList.toggle("dimmed", words !== "");
  root.classList.toggle("same", Boolean(shown?.same));
  root.classList.toggle("halted", Boolean(exact) && ended);
  if (note && note.textContent !== words) note.textContent = words;
  element.querySelectorAll("[data-part]").forEach((part) => {
    const html = shown?.parts[part.dataset.part] ?? "";
    if (part.shown === html) return;
    part.innerHTML = part.shown = html;
    clearTimeout(reading);
    reading = setTimeout(() => element.querySelectorAll(".answer").forEach((text) => read.add(text.textContent)), READ);
  });
  root.pages = props.value; // for blind.js
  root.dispatchEvent(new Event("bonesoup:pages", { bubbles: true }));
}

const place = () => [changes, ...now].join(); // of what would be written

function ask() { // how often something was changed, for Write; throws, so that nothing is sent, where no press is to be answered
  if (!wanted) throw new Error("pressed before Stop, or twice for the same");
  wanted = ended = false;
  under = place();
  show();
  return changes;
}

function keep() {
  if (props.name !== name) kept = new Map();
  name = props.name;
  props.value.forEach((page) => { if (page.parts) kept.set(key(page.at), page); });
}

document.addEventListener("bonesoup:preference", (event) => { now = event.detail; show(); });
document.addEventListener("click", (event) => { if (event.target.closest("#write")) wanted = under !== place(); }, true);
document.addEventListener("bonesoup:ended", () => { under = ""; });
document.addEventListener("bonesoup:stopped", () => { wanted = false; halted = ended = true; show(); });
document.addEventListener("bonesoup:changed", (event) => {
  changes += 1;
  if (!["suited", "reopened"].includes(event.detail)) stale = true;
  else since = changes;
  if (event.detail === "reopened" && props.exact?.asked == null) asked = changes; // what was reopened, and no text under way
  show();
});
element.addEventListener("change", (event) => {
  if (event.target.matches("[data-differences]")) element.querySelector(".pages").classList.toggle("differences", event.target.checked);
});
watch("value", () => { keep(); show(); });
watch("exact", () => {
  asked = props.exact?.asked ?? changes;
  ended = ended && props.exact?.asked != null;
  show();
});
watch("turn", () => { stale = halted = false; since = changes; show(); });
watch("stopped", show);
keep();
show();
