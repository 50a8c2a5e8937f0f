// Runs before the first paint, so that a chosen theme does not flash. Not a module on purpose.
try {
  for (const name of ['theme', 'palette']) {
    const chosen = localStorage.getItem('fillbook.' + name)
    if (chosen) document.documentElement.dataset[name] = chosen
  }
} catch {
  // Storage may be refused: the page then follows the system.
}
