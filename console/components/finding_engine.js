// Finds words in the lines of a transcript, and goes from one to the next.
const finding = (window.backlotFinding ??= {
  // segments() are the lines; drawn() the numbers of those in the document, spans(line) their words; goTo(line) shows
  // one. Answers {element, field, search(jump), mark(line)}: mark colours what was found in a line that was just drawn.
  make({ segments, drawn, spans, goTo }) {
    let found = [];
    let place = -1;
    const field = make("input", { className: "field find", attributes: { type: "search", placeholder: "Find in transcript", "aria-label": "Find in transcript" } });
    const told = make("span", { className: "quiet numbers count-found", attributes: { role: "status" } });
    const previous = tool("up", "Previous match (Shift+Enter)", -1);
    const next = tool("down", "Next match (Enter)", 1);

    function tool(drawing, label, direction) {
      const button = make("button", {
        className: "button small square", attributes: { type: "button", title: label, "aria-label": label },
      }, [icon(drawing)]);
      button.onclick = () => step(direction);
      return button;
    }
    function search(jump) {
      const wanted = field.value.trim().toLowerCase();
      place = -1;
      found = wanted ? spoken.matches(segments(), wanted) : [];
      for (const line of drawn()) mark(line);
      previous.disabled = next.disabled = !found.length;
      told.textContent = wanted ? (found.length ? `${count(found.length)} found` : "Not found") : "";
      if (jump && found.length) step(1);
    }
    function mark(line) {
      const words = spans(line);
      if (!words) return;
      for (const one of words) one.classList.remove("found", "here");
      for (let position = spoken.firstIn(found, line); found[position]?.line === line; position += 1) {
        const one = found[position];
        for (let word = one.first; word <= one.last; word += 1) {
          words[word]?.classList.add("found");
          if (position === place) words[word]?.classList.add("here");
        }
      }
    }
    function step(direction) {
      if (!found.length) return;
      const before = found[place]?.line;
      place = (place + direction + found.length) % found.length;
      told.textContent = `${count(place + 1)} of ${count(found.length)}`;
      goTo(found[place].line);
      if (before !== undefined) mark(before);
      mark(found[place].line);
    }
    field.oninput = () => search(true);
    field.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Enter") { event.preventDefault(); step(event.shiftKey ? -1 : 1); }
      if (event.key === "Escape") { field.value = ""; search(false); }
    };
    return { element: make("span", { className: "finding line" }, [field, told, previous, next]), field, search, mark };
  },
});
