"""The demo: four storage nodes, an upload of real files, and a power cut in the middle of it. See tools/demo."""
