// Shows another time range of this page: what a drag over a chart asks for. Milliseconds since 1970.
export function setRange(from, to) {
  const address = new URL(location.href);
  for (const name of ["range", "before"]) address.searchParams.delete(name);
  address.searchParams.set("from", String(Math.floor(from)));
  address.searchParams.set("to", String(Math.ceil(to)));
  location.assign(address);
}
