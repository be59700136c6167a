// Beside a compact page, see ?view=compact in docs/hosting.md: leads to the whole page, with the same state, where there is one
// in the fragment, and the preference of now. In gradio's web component the address is the other page's.
const link = element.querySelector("a"), component = element.closest("gradio-app")?.getAttribute("src");
let now = [];

const aim = () => {
  const state = new URLSearchParams(location.hash.slice(1)), told = !component && state.has("set");
  if (now.length) state.set("preference", now.join("-"));
  link.href = `${component || location.pathname}${told ? `#${state}` : ""}`;
};
document.addEventListener("bonesoup:preference", (event) => { now = event.detail; });
["pointerdown", "focusin"].forEach((kind) => element.addEventListener(kind, aim));
