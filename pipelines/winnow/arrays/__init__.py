"""Arrays as such: sorted, grouped, flattened, named in files; nothing about logs or samples."""
