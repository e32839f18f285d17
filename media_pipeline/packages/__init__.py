"""What names segments to players: HLS playlists and DASH presentations; packed sounds."""
