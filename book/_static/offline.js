// Opened from a disk, a browser refuses to read other pages, and with them the excerpts under
// search results. The hits themselves come from searchindex.js, which is a script, and stay.
if (window.location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
