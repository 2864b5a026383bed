"""The teacher's desk: deliveries measured again, exercises checked, a kit for use offline."""
