"""Pictures of the admin page in the states that matter. See tools/screenshots."""
