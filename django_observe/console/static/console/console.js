// Live pages and keys. Everything works without this file except the two.
import { startLive, toggleLive } from "./live.js";
import { onKey } from "./keys.js";

startLive();
document.addEventListener("keydown", (event) => onKey(event, toggleLive));
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});
