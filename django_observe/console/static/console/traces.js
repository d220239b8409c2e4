// The order of the list for a trace's [ and ], and a drag over the picture that chooses a time range.
import { setRange } from "./range.js";
import { addKeys } from "./keys.js";
import { dragRange, timeAt } from "./drag.js";

function remember() {
  const ids = [...document.querySelectorAll("tr[data-row]")].map((row) => row.dataset.row);
  try { sessionStorage.setItem("observe.traces", JSON.stringify(ids)); } catch { /* storage is blocked */ }
}

remember();
document.addEventListener("observe:refreshed", remember);
dragRange("scatter", (from, to) => setRange(timeAt("scatter", from), timeAt("scatter", to)));
addKeys({
  "f": ["filter", () => document.querySelector(".filter input").focus()],
  "c": ["the correlation ID of the row", () => document.activeElement.closest("tr")?.querySelector(".corr a")?.click()],
});
