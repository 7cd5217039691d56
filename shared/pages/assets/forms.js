// Small comforts of forms, which all work without them.

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (event.target.matches("select") && form?.hasAttribute("data-submit-on-change")) form.requestSubmit();
});
