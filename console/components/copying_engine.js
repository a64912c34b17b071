// Puts text on the clipboard, and says so on the button that asked for it.
const copying = (window.backlotCopying ??= {
  async copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // Over plain HTTP browsers know no clipboard: the old way still works there.
    const field = document.createElement("textarea");
    field.value = text;
    field.style.position = "fixed";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error("The browser refused.");
    return undefined;
  },
  // button: its words are those of its last child; text is a function, asked when it is pressed.
  button(button, text) {
    const words = button.lastChild;
    const usual = words.textContent;
    let timer;
    button.onclick = async () => {
      try {
        await copying.copy(text());
        words.textContent = "Copied";
      } catch {
        words.textContent = "Not copied: select the text";
      }
      clearTimeout(timer);
      timer = setTimeout(() => { words.textContent = usual; }, 1800);
    };
    return button;
  },
});
