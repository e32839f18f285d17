"""From a source to a verified title: as a whole, or planned, made in chunks and joined."""
