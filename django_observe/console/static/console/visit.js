// Goes to another view of the same page without reloading it: fetches the address and puts its parts in place.
// XMLHttpRequest makes a document whose scripts never run; no HTML sink is touched.
let latest = 0;

// `only` is the ID of the one part to replace; the answer may then be that part alone.
export function visit(target, only = "content") {
  const mine = ++latest;
  const request = new XMLHttpRequest();
  const address = new URL(target);
  if (only === "pane") address.searchParams.set("part", "pane");
  request.open("GET", address);
  request.responseType = "document";
  request.onload = () => {
    const fresh = request.response?.getElementById(only);
    if (mine !== latest) return;
    if (request.status !== 200 || !fresh) { location.assign(target); return; }
    const moved = selection(address) !== selection(location);
    history.replaceState(null, "", target);
    replace(only, fresh);
    if (moved && only === "content") document.querySelector("#rows [aria-current]")?.scrollIntoView({ block: "nearest" });
  };
  request.onerror = () => location.assign(target);
  request.send();
}

function selection(address) {
  const parameters = new URL(address.href).searchParams;
  return `${parameters.get("span")} ${parameters.get("log")}`;
}

function replace(id, fresh) {
  const focused = document.activeElement?.closest("tr[id], a[id], input[id]")?.id;
  document.getElementById(id).replaceWith(document.adoptNode(fresh));
  const again = focused && document.getElementById(focused);
  if (again && document.activeElement === document.body) {
    (again.querySelector(".row") ?? again).focus({ preventScroll: true });
  }
  document.dispatchEvent(new CustomEvent("observe:refreshed", { detail: { regions: [id] } }));
}
