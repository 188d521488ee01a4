"""What a finished benchmark is handed on with: card, Croissant, Hugging Face, WebDataset, statistics."""
