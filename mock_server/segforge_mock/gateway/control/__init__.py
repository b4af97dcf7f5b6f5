"""The rest of the gateway: PixelFlows, webhooks, history, fine-tuning and lists, as the official SDK calls them."""
