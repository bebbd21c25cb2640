// Before the first paint: the theme that was chosen here, if one was.
try {
  const chosen = localStorage.getItem("volant-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch { /* storage may be closed to pages; the system's preference holds */ }
