// The button opens and closes the fields (style.css looks at aria-expanded); Enter in a field writes, Shift + Enter does not.
// Whatever is changed in the fields or the sampling, also by pasting, which gradio 6.31.0 has no event for, is the event
// 'bonesoup:changed'. Triggers 'edited' for each, and 'rest' once nothing has been changed for a while.
const REST_MS = 700, SOON_MS = 40; // until gradio has the field's value
let open = false, timer = null;

const mark = () => element.querySelector("button")?.setAttribute("aria-expanded", open);
element.addEventListener("click", (event) => {
  if (!event.target.closest("button")) return;
  open = !open;
  mark();
});
watch("value", mark);

document.addEventListener("input", (event) => {
  if (event.target.matches("#given *, #sampling *") && !event.target.matches("[role=combobox]")) {
    document.dispatchEvent(new CustomEvent("bonesoup:changed"));
  }
});
document.addEventListener("bonesoup:changed", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    trigger("edited"); // before its time begins: it ends the sweep of before, and must not end the next
    timer = setTimeout(() => trigger("rest"), REST_MS);
  }, SOON_MS);
});

document.addEventListener("bonesoup:stopped", () => clearTimeout(timer));

const enters = (event) => event.key === "Enter" && !event.isComposing
  && event.target.matches?.("#given textarea, #given input:not([role])");
document.addEventListener("keydown", (event) => {
  if (!enters(event) || event.shiftKey) return;
  event.preventDefault();
  document.querySelector("#write").click();
}, true);
document.addEventListener("keypress", (event) => { // before gradio, for which Shift + Enter is no new line
  if (enters(event)) event.stopPropagation();
}, true);
