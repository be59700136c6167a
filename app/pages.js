// Pages at the preferences of a grid, see pages.py: the one nearest to the preference is put in place, in the browser.
// Needs the events 'bonesoup:preference' (detail: percentages), 'bonesoup:stopped', 'bonesoup:ended' and 'bonesoup:failed' of Write, and
// 'bonesoup:changed': what is shown is of something else, unless the detail is "suited" or "reopened": what suits came along.
const READ = 1000; // ms for which a text stands beside its method's name until it counts as read
let now = props.at, name = props.name, kept = new Map();
let pages = props.value, whole = props.exact; // those that are taken: news of what has been changed or stopped still comes for a while
let stale = false; // the pages are of what was given before
let changes = 0, asked = 0, since = 0; // how often something was changed: now, when the exact page was asked for, and when the pages came
let wanted = false, under = ""; // whether a press of Write is to be answered; what is being written: its `place`, or ""
let sweeps = 0, dead = 0; // the number of the last sweep, and up to which they are changed or stopped
let halted = false, ended = false; // whether no more comes: of the pages, by hand, and of the exact one
const read = new Set(); // texts

const key = (at) => at.map((share) => share.toFixed(1)).join("/");
const percent = (at) => at.map((share) => `${Math.round(share)} %`).join(" / ");
const distance = (at) => at.reduce((sum, share, i) => sum + (share - now[i]) ** 2, 0);
const here = (at) => at.length === now.length && distance(at) < 0.01;

function nearest() {
  return pages.reduce((best, page) => (best && distance(best.at) <= distance(page.at) ? best : page), null);
}

function remark(page, exact, shown) { // why what is shown is not what was asked for; empty where it is
  if (exact) return asked === changes ? "" : "Written before your change.";
  if (!page) return "Nothing has been written for this yet: press Write, or Sweep for every preference.";
  if (stale) return "Written before your change.";
  if (!page.parts) {
    const done = pages.filter((one) => one.parts).length;
    return `${props.stopped || halted ? "Stopped" : "Being written for you"}: ${done} of ${pages.length} preferences are there.${shown ? " This is from before." : ""}`;
  }
  return here(page.at) ? "" : `This is the text at ${percent(page.at)}, the nearest there is. Write writes at yours.`;
}

function show() {
  const root = element.querySelector(".pages"), note = element.querySelector("[data-note]");
  Object.assign(root, { ask, sweep, read }); // for Write, the sweep, and blind.js
  if (pages.some((page) => page.at.length !== now.length)) return; // half of an update to another set
  const exact = whole && here(whole.at) && (asked === changes || (stale && asked >= since));
  const page = exact ? whole : nearest();
  const shown = page?.parts ? page : page && kept.get(key(page.at)), words = remark(page, exact, shown);
  root.classList.toggle("dimmed", words !== "");
  root.classList.toggle("same", Boolean(shown?.same));
  root.classList.toggle("halted", Boolean(exact) && ended);
  if (note && note.textContent !== words) note.textContent = words;
  element.querySelectorAll("[data-part]").forEach((part) => {
    const html = shown?.parts[part.dataset.part] ?? "";
    if (part.shown === html) return;
    part.innerHTML = part.shown = html;
    clearTimeout(part.reading);
    part.reading = setTimeout(() => part.querySelectorAll(".answer").forEach((text) => read.add(text.textContent)), READ);
  });
  root.pages = pages; // for blind.js
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

function sweep() { // the number of the next
  sweeps += 1;
  return sweeps;
}

const late = () => (props.value[0]?.sweep ?? Infinity) <= dead; // of a sweep that is over

function keep() {
  if (props.name !== name) kept = new Map();
  name = props.name;
  pages.forEach((page) => { if (page.parts) kept.set(key(page.at), page); });
}

document.addEventListener("bonesoup:preference", (event) => { now = event.detail; show(); });
document.addEventListener("click", (event) => { if (event.target.closest("#write")) wanted = under !== place(); }, true);
document.addEventListener("bonesoup:ended", () => { under = ""; });
document.addEventListener("bonesoup:failed", () => {
  under = "";
  ended = true;
  show();
  if (wanted && element.closest("#columns")) document.querySelector("#write").click(); // pressed meanwhile, which gradio has forgotten
});
document.addEventListener("bonesoup:stopped", () => {
  wanted = false;
  under = "";
  halted = ended = true;
  dead = sweeps;
  show();
});
document.addEventListener("bonesoup:changed", (event) => {
  changes += 1;
  dead = sweeps;
  if (!["suited", "reopened"].includes(event.detail)) stale = true;
  else since = changes;
  if (event.detail === "reopened" && whole?.asked == null) asked = changes; // what was reopened, and no text under way
  show();
});
element.addEventListener("change", (event) => {
  if (event.target.matches("[data-differences]")) element.querySelector(".pages").classList.toggle("differences", event.target.checked);
});
watch("value", () => {
  if (late()) return;
  pages = props.value;
  keep();
  show();
});
watch("exact", () => {
  const when = props.exact?.asked ?? changes;
  if (when < since) return; // of what was asked for before something else came
  whole = props.exact;
  asked = when;
  ended = ended && whole?.asked != null;
  show();
});
watch("turn", () => {
  if (late()) return;
  stale = halted = false;
  since = changes;
  show();
});
watch("stopped", show);
keep();
show();
