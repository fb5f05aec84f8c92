"""What agents know, in Spanish and English: slug, language, category, title, text."""

__all__ = ["ARTICLES"]

ARTICLES = (
    (
        "returns",
        "en",
        "orders",
        "Returning an item",
        "Items can be returned within 30 days of delivery. They must be unused and in their box. "
        "The label is free; the refund takes up to five working days after we have the parcel.",
    ),
    (
        "devoluciones",
        "es",
        "orders",
        "Cómo devolver un producto",
        "Puede devolver un producto en los 30 días posteriores a la entrega, sin usar y en su "
        "caja. La etiqueta es gratuita y el reembolso tarda hasta cinco días laborables.",
    ),
    (
        "delivery-times",
        "en",
        "orders",
        "Delivery times",
        "Mainland: one to two working days. Islands: five to eight. Orders placed before 16:00 "
        "leave our warehouse on the same day.",
    ),
    (
        "plazos-de-entrega",
        "es",
        "orders",
        "Plazos de entrega",
        "Península: de uno a dos días laborables. Islas: de cinco a ocho. Los pedidos hechos antes "
        "de las 16:00 salen el mismo día.",
    ),
    (
        "invoices",
        "en",
        "billing",
        "Getting an invoice",
        "Invoices are in your account under Orders. To change the name or the tax number, write to "
        "billing within 30 days of the purchase.",
    ),
    (
        "facturas",
        "es",
        "billing",
        "Obtener una factura",
        "Las facturas están en su cuenta, en Pedidos. Para cambiar el nombre o el NIF, escriba a "
        "facturación en los 30 días siguientes a la compra.",
    ),
    (
        "payment-twice",
        "en",
        "billing",
        "Charged twice",
        "A second payment is usually a reservation that your bank releases within three days. If "
        "it is still there after that, we refund it at once: we need the date and the amount.",
    ),
    (
        "garantia",
        "es",
        "products",
        "Garantía",
        "Todos los productos tienen tres años de garantía. Si algo llega roto, avísenos en 48 "
        "horas con una foto y enviamos otro sin coste.",
    ),
)
