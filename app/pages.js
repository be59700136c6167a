// Pages at the preferences of a grid, see pages.py: the one nearest to the preference is put in place, in the browser.
// Needs the events 'bonesoup:preference' (detail: percentages), 'bonesoup:asked' and 'bonesoup:stopped', of Write and Stop, and
// 'bonesoup:changed': what is shown is of something else, but for the exact page where the detail is "reopened", and for the
// others where it is "suited", as these come with another set.
const READ = 1000; // ms for which a text stands beside its method's name until it counts as read
let now = props.at, name = props.name, kept = new Map();
let stale = false; // the pages are of what was given before
let changes = 0, asked = 0; // how often something was changed, now and when the exact page was asked for
let halted = false; // by hand
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
  if (!page) return "";
  if (stale) return "Written before your change.";
  if (!page.parts) {
    const done = props.value.filter((one) => one.parts).length;
    return `${props.stopped || halted ? "Stopped" : "Being written for you"}: ${done} of ${props.value.length} preferences are there.${shown ? " This is from before." : ""}`;
  }
  return here(page.at) ? "" : `This is the text at ${percent(page.at)}, the nearest there is. Write writes at yours.`;
}

function show() {
  const root = element.querySelector(".pages"), note = element.querySelector("[data-note]");
  Object.assign(root, { changes, read }); // for Write and blind.js
  if (props.value.some((page) => page.at.length !== now.length)) return; // half of an update to another set
  const exact = props.exact && here(props.exact.at) && (stale || asked === changes);
  const page = exact ? props.exact : nearest();
  const shown = page?.parts ? page : page && kept.get(key(page.at)), words = remark(page, exact, shown);
  root.classList.toggle("dimmed", words !== "");
  root.classList.toggle("same", Boolean(shown?.same));
  root.classList.toggle("halted", halted);
  if (note && note.textContent !== words) note.textContent = words;
  element.querySelectorAll("[data-part]").forEach((place) => {
    const html = shown?.parts[place.dataset.part] ?? "";
    if (place.shown !== html) place.innerHTML = place.shown = html;
  });
  root.pages = props.value; // for blind.js
  clearTimeout(reading);
  reading = setTimeout(() => element.querySelectorAll(".answer").forEach((text) => read.add(text.textContent)), READ);
  root.dispatchEvent(new Event("bonesoup:pages", { bubbles: true }));
}

function keep() {
  if (props.name !== name) kept = new Map();
  name = props.name;
  props.value.forEach((page) => { if (page.parts) kept.set(key(page.at), page); });
}

document.addEventListener("bonesoup:preference", (event) => { now = event.detail; show(); });
document.addEventListener("bonesoup:asked", () => { halted = false; show(); });
document.addEventListener("bonesoup:stopped", () => { halted = true; show(); });
document.addEventListener("bonesoup:changed", (event) => {
  stale = stale || event.detail !== "suited";
  changes += 1;
  if (event.detail === "reopened" && props.exact?.asked == null) asked = changes; // what was reopened, and no text under way
  show();
});
element.addEventListener("change", (event) => {
  if (event.target.matches("[data-differences]")) element.querySelector(".pages").classList.toggle("differences", event.target.checked);
});
watch("value", () => { keep(); show(); });
watch("exact", () => { asked = props.exact?.asked ?? changes; show(); });
watch("turn", () => { stale = halted = false; show(); });
watch("stopped", show);
keep();
show();
