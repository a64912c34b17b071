export default function ({ data, parentElement }) {
  parentElement.querySelector("#root").replaceChildren(
    make("span", { className: "quiet", text: data.label }),
    ...data.links.map((link) => make("a", {
      className: "button small", text: link.name, attributes: { href: link.address, download: "" },
    })),
  );
}
