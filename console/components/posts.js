async function copy(area, button) {
  try {
    await navigator.clipboard.writeText(area.value);
  } catch {
    area.select();
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function piece(name, text, limit) {
  const area = make("textarea", { attributes: { readonly: "", "aria-label": name, rows: "3" } });
  area.value = text;
  const button = make("button", {
    className: "button small", text: "Copy", attributes: { type: "button", "aria-label": `Copy ${name}` },
  });
  button.onclick = () => copy(area, button);
  const length = [...text].length;
  const count = make("span", {
    className: limit && length > limit ? "quiet numbers over" : "quiet numbers",
    text: limit ? `${length} of ${limit} characters` : `${length} characters`,
  });
  return [area, make("div", { className: "line" }, [count, button])];
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  const wanted = JSON.stringify(data);
  if (root.dataset.wanted === wanted) return;
  root.dataset.wanted = wanted;
  const cards = data.posts.map((post) => make("section", { className: "card post", attributes: { "data-network": post.network } }, [
    make("h2", { text: post.name }),
    ...post.parts.flatMap((text, position) => piece(
      post.parts.length > 1 ? `${post.name}, part ${position + 1} of ${post.parts.length}` : post.name, text, post.character_limit,
    )),
  ]));
  root.replaceChildren(
    make("p", { className: "method quiet wraps", text: data.method }), make("div", { className: "grid" }, cards),
  );
}
