// Shows the API's own document; requests made here carry the browser's session.
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tagsSorter: "alpha",
  // The validator is somebody else's server; nothing of ours goes there.
  validatorUrl: null,
});
