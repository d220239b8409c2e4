// News from the server: server-sent events, or a question every 2 s where no stream can be had.
const POLL_MS = 2000;
const RETRY_MS = 30000;

// Calls heard({traces, more}) whenever something may have been stored, and changed() when the console comes or goes.
export function follow(heard, changed) {
  let source = null;
  let polling = null;
  let away = false;

  const found = (reachable) => {
    if (away === !reachable) return;
    away = !reachable;
    changed();
  };
  const connect = () => {
    clearInterval(polling);
    source = new EventSource("/events");
    source.onmessage = (event) => { found(true); heard(JSON.parse(event.data)); };
    source.onopen = () => found(true);
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) poll();
      else found(false);
    };
  };
  // All places are taken: ask, and try again in a while.
  const poll = () => {
    polling = setInterval(() => heard({ traces: [] }), POLL_MS);
    setTimeout(() => { if (polling) connect(); }, RETRY_MS);
  };
  connect();
  return {
    close() { source.close(); clearInterval(polling); polling = null; },
    lost: () => away,
  };
}
