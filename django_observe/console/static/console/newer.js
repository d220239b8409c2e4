// The bar that offers what has arrived while something was being read.
let bar = null;

// How many rows (elements with data-row) the fresh page has that this one has not.
export function counted(fresh) {
  const known = new Set([...document.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
  return [...fresh.querySelectorAll("[data-row]")].filter((row) => !known.has(row.dataset.row)).length;
}

export function showBar(count, action) {
  if (!bar) {
    bar = document.createElement("button");
    bar.type = "button";
    bar.className = "newer";
    bar.title = "Show what has arrived (n)";
    bar.addEventListener("click", action);
    announcer().append(bar);
  }
  bar.textContent = count ? `${count} new` : "New data";
}

export function hideBar() {
  bar?.remove();
  bar = null;
}

function announcer() {
  let region = document.getElementById("newer");
  if (!region) {
    region = document.createElement("div");
    region.id = "newer";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  return region;
}
