"""
What customers and agents say, in Spanish and English.

A conversation is its language, what came of it, and what was said in turns, the customer first.
"""

from dataclasses import dataclass

__all__ = ["CONVERSATIONS", "CUSTOMERS", "Conversation"]


@dataclass(frozen=True)
class Conversation:
    """
    A conversation.

    Attributes:
        ratings: what customers rate it with; None for no rating.
        resolved: whether the matter was settled.
    """

    language: str
    ratings: tuple[int | None, ...]
    resolved: bool
    turns: tuple[str, ...]


CUSTOMERS = (
    "Lucía Fernández",
    "Mateo Rojas",
    "Camila Duarte",
    "Javier Ortega",
    "Sofía Herrera",
    "Diego Salinas",
    "Valentina Ríos",
    "Emma Clarke",
    "Oliver Hughes",
    "Grace Bennett",
    "Noah Turner",
    "Isla Morgan",
)

_HAPPY, _EVEN, _ANGRY = (4, 5, 5, None), (3, 3, 4, None, None), (1, 1, 2, None)

CONVERSATIONS = (
    Conversation(
        "es",
        _HAPPY,
        True,
        (
            "Hola, quería saber cuándo llega mi pedido.",
            "¡Hola! Su pedido sale hoy del almacén y llega mañana antes de las 14:00.",
            "¡Perfecto! Muchísimas gracias, qué rapidez.",
            "A usted. Que tenga un buen día.",
        ),
    ),
    Conversation(
        "es",
        _HAPPY,
        True,
        (
            "Buenas, ¿puedo cambiar la talla de unos zapatos?",
            "Claro que sí. El cambio es gratuito; le envío la etiqueta por correo.",
            "Estupendo, ha sido muy fácil. Me encanta comprar con ustedes.",
        ),
    ),
    Conversation(
        "es",
        _EVEN,
        True,
        (
            "Necesito una factura con otro NIF.",
            "¿Me indica el número de pedido y el NIF, por favor?",
            "Es el pedido 48213. El NIF lo mando por correo.",
            "Recibido. Tendrá la factura en el plazo de un día laborable.",
            "De acuerdo.",
        ),
    ),
    Conversation(
        "es",
        _EVEN,
        True,
        (
            "¿Cuál es el horario de la tienda de Valencia?",
            "De lunes a sábado, de 10:00 a 20:30.",
            "Vale.",
        ),
    ),
    Conversation(
        "es",
        _ANGRY,
        False,
        (
            "Llevo tres semanas esperando y nadie me contesta. Es una vergüenza.",
            "Lamento mucho la espera. ¿Me da su número de pedido?",
            "Ya lo he dado cuatro veces. Quiero mi dinero de vuelta.",
            "Lo entiendo. Paso su caso a una persona del equipo.",
            "Pésimo servicio, no vuelvo a comprar aquí.",
        ),
    ),
    Conversation(
        "es",
        _ANGRY,
        False,
        (
            "El producto llegó roto y la caja estaba abierta.",
            "Siento lo ocurrido. ¿Podría enviarme una foto?",
            "No puedo subir fotos, su página no funciona. Estoy harto.",
        ),
    ),
    Conversation(
        "en",
        _HAPPY,
        True,
        (
            "Hi! Can I move my delivery to Friday?",
            "Of course. It is booked for Friday between 9 and 12.",
            "Brilliant, that was quick. Thank you so much!",
        ),
    ),
    Conversation(
        "en",
        _HAPPY,
        True,
        (
            "My discount code does not seem to work.",
            "It had expired, so I have sent you a new one. It is good for 30 days.",
            "Oh wow, you are wonderful. Works perfectly now.",
        ),
    ),
    Conversation(
        "en",
        _EVEN,
        True,
        (
            "What is your returns policy?",
            "You have 30 days from delivery. Items must be unused.",
            "And who pays for postage?",
            "We do, if you use our label.",
            "Okay, noted.",
        ),
    ),
    Conversation(
        "en",
        _EVEN,
        False,
        (
            "Do you ship to the Canary Islands?",
            "Yes, in five to eight working days. Customs may ask for a fee.",
            "I will think about it.",
        ),
    ),
    Conversation(
        "en",
        _ANGRY,
        False,
        (
            "I was charged twice for the same order. This is unacceptable.",
            "I am sorry about that. I can see two payments for order 51077.",
            "So give me my money back. I have been told 'tomorrow' for a week now.",
            "I am handing this to a colleague in billing right away.",
        ),
    ),
    Conversation(
        "en",
        _ANGRY,
        True,
        (
            "The app crashes every time I open my basket. Useless.",
            "Sorry for the trouble. Version 4.2 fixes that; could you update?",
            "It works, but I lost everything that was in it. Not happy.",
        ),
    ),
)
