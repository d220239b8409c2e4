// Wrapping and attributes without leaving the place, and a drag over the picture that chooses a time range.
// Both are links as well: the address says what is shown.
import { setRange } from "./range.js";
import { addKeys } from "./keys.js";
import { dragRange, timeAt } from "./drag.js";

dragRange("volume", (from, to) => setRange(timeAt("volume", from), timeAt("volume", to)));

const wrap = document.getElementById("wrap");
function toggleWrap(event) {
  event?.preventDefault();
  const wrapped = document.getElementById("content").classList.toggle("wrapped");
  const address = new URL(location.href);
  if (wrapped) address.searchParams.set("wrap", "1"); else address.searchParams.delete("wrap");
  history.replaceState(null, "", address);
  if (wrapped) wrap.setAttribute("aria-current", "true"); else wrap.removeAttribute("aria-current");
}
wrap?.addEventListener("click", toggleWrap);

const row = () => document.activeElement.closest(".line");
addKeys({
  "w": ["wrap messages", () => toggleWrap()],
  "x": ["attributes under each line", () => document.getElementById("pairs")?.click()],
  "f": ["filter", () => document.querySelector(".filter input").focus()],
  "t": ["the trace of the line", () => row()?.querySelector(".of-trace")?.click()],
  "c": ["the correlation ID of the line", () => row()?.querySelector(".ways-on .corr")?.click()],
});
