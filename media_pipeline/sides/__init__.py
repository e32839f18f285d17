"""What goes along with the pictures: sounds and subtitles."""
