// Lets a person correct the lines of a transcript where they stand.
const correcting = (window.backlotCorrecting ??= {
  // lines: {segments, corrections} as the server has them; row(line), fill(line), focus(line) and bring(line) of the
  // list; tell(message, {problem, back}); done() after a change. Answers {edit(line), put(line, value, undoing)}.
  make({ video, lines, row, fill, focus, bring, tell, done }) {
    const text = (line) => lines().segments[line].text;

    function edit(line, kept = null, problem = "") {
      if (row(line).querySelector("form")) return;
      window.dispatchEvent(new CustomEvent("backlot-pause"));
      const field = make("textarea", { className: "field", attributes: { "aria-label": "Text of this line", rows: "2", maxlength: "2000" } });
      field.value = kept ?? text(line);
      const told = make("p", { className: "quiet wraps", attributes: { role: "status" }, text: problem || "Enter saves, Esc leaves it as it was." });
      told.classList.toggle("problem", Boolean(problem));
      const save = make("button", { className: "button small first", text: "Save", attributes: { type: "submit" } });
      const leave = make("button", { className: "button small", text: "Cancel", attributes: { type: "button" } });
      const hear = make("button", { className: "button small", attributes: { type: "button", title: "Play this line" } }, [icon("play"), make("span", { text: "Play line" })]);
      const form = make("form", { className: "stack", attributes: { "data-unsaved": "" } }, [field, make("div", { className: "line" }, [save, leave, hear, told])]);
      const close = () => { form.remove(); fill(line); focus(line); };
      leave.onclick = close;
      hear.onclick = () => seek(lines().segments[line].start);
      form.onsubmit = (event) => {
        event.preventDefault();
        const value = field.value.split(/\s+/).filter(Boolean).join(" ");
        if (!value) { field.setAttribute("aria-invalid", "true"); told.textContent = "Write what is said here, or press Esc."; return; }
        close();
        if (value !== text(line)) put(line, value);
      };
      field.onkeydown = (event) => {
        event.stopPropagation();
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
        if (event.key === "Escape") { event.preventDefault(); close(); }
      };
      row(line).querySelector(".body").replaceChildren(form);
      field.focus({ preventScroll: true });
      bring(line);
    }

    // value null takes a line back to how it was recognised. What is shown changes at once.
    async function put(line, value, undoing = false) {
      const { segments, corrections } = lines();
      const before = corrections.has(line) ? text(line) : null;
      const kept = segments[line];
      const original = corrections.get(line)?.original ?? kept.text;
      const wanted = value ?? original;
      segments[line] = { ...kept, text: wanted, words: wanted.split(" ").map((one) => ({ ...kept, text: one, words: undefined })) };
      fill(line);
      tell("Saving…");
      const said = await saving.save(video(), `segment:${line}`, value);
      if (said.problem) {
        segments[line] = kept;
        const problem = `Not saved: ${said.problem}`;
        tell(problem, { problem: true });
        if (value !== null) edit(line, value, problem);
      } else {
        if (value === null) corrections.delete(line);
        else corrections.set(line, { original, editor: "you", at: new Date().toISOString() });
        await readAgain(line, segments, corrections);
        tell(undoing ? "Taken back." : value === null ? "As it was recognised." : "Saved.", { back: undoing ? null : { line, value: before } });
        window.dispatchEvent(new CustomEvent("backlot-corrected"));
      }
      fill(line);
      done();
    }

    // The times of the words come with this. Without an answer the line stands as it was written: it is saved.
    async function readAgain(line, segments, corrections) {
      try {
        const stands = await (await fetch(`/api/videos/${video()}/transcript.json?line=${line}`)).json();
        if (!stands.segments?.length) return; // refused
        [segments[line]] = stands.segments;
        if (stands.corrections?.length) corrections.set(line, stands.corrections[0]); else corrections.delete(line);
      } catch { /* no connection: the next visit reads it */ }
    }
    return { edit, put };
  },
});
