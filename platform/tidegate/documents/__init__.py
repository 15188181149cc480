"""Paper: waybill labels and pick lists as PDF, with every glyph checked before it is drawn."""
