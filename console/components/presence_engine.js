// Tells the server, at most once a minute, that somebody touches a page: a screen that is only left open, with live
// status moving on it, must not keep its session in use.
window.backlotPresence ??= watchPresence();

function watchPresence() {
  const TOLD_EVERY_MS = 60000;
  const TOUCHES = ["pointerdown", "keydown", "wheel", "touchmove"];
  let toldAt = 0;

  function touched() {
    if (Date.now() - toldAt < TOLD_EVERY_MS) return;
    toldAt = Date.now();
    fetch("/api/session/use", { method: "POST" }).catch(() => { toldAt = 0; });
  }

  for (const touch of TOUCHES) window.addEventListener(touch, touched, { capture: true, passive: true });
  return { touched };
}
