// Before the first paint, so a classic script: the theme this browser chose. Without a choice, the system's.
try {
  const theme = localStorage.getItem("observe-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* storage is blocked: the system's theme */ }
