export default function ({ data, parentElement }) {
  parentElement.querySelector("h1").textContent = data.title;
  const chip = parentElement.querySelector(".chip");
  chip.textContent = data.state;
  chip.className = `chip ${data.colour}`;
  parentElement.querySelector(".facts").textContent = data.facts.join(" · ");
}
