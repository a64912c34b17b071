// Saves what people change in place, and says in one way what came of it.
const saving = (window.backlotSaving ??= {
  // Answers {value}, as it stands from now on, or {problem}, a sentence. null takes the target back to how it was made.
  save(videoId, target, value, options) {
    const name = target.split(":").map(encodeURIComponent).join(":");
    return saving.send(`/api/videos/${videoId}/edits/${name}`, "PUT", { value }, options);
  },
  // Answers what the server said, or {problem}. keepalive: the page may be left before the answer.
  async send(address, method, body, { keepalive = false } = {}) {
    try {
      const answer = await fetch(address, {
        method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), keepalive,
      });
      const said = await answer.json();
      return answer.ok ? said : { problem: said.detail || "That did not work. Try again." };
    } catch {
      return { problem: "Backlot does not answer. Try again." };
    }
  },
});
