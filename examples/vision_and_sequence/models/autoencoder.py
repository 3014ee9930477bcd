"""A convolutional autoencoder whose decoder's channels a Gaussian mixture of the latent vector weighs."""

from collections.abc import Sequence

from torch import Tensor, nn

from .attention import Attention
from .heads import Head


class Autoencoder(nn.Module):
    """Convolutions down to a latent vector, and transposed ones up to the image again.

    Args:
        image: Channels, height and width of an image.
        down: Channels of the convolutions of the encoder, each of which halves the map.
        up: Channels of the transposed convolutions of the decoder, each of which doubles it.
        latent: Entries of the latent vector.
        attention: Whether the encoder's last map but one goes through a block of self-attention.
        gaussians: The head from the latent vector to one factor for each of the decoder's last channels; without it
            they are left as they are.
    """

    def __init__(
        self,
        image: Sequence[int],
        *,
        down: Sequence[int],
        up: Sequence[int],
        latent: int,
        attention: bool = False,
        gaussians: Head | None = None,
    ):
        super().__init__()
        before, height, width = image
        layers: list[nn.Module] = []
        for number, after in enumerate(down):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
            if attention and number == len(down) - 2:
                layers.append(Attention(after))
            before = after
        small = (before, height >> len(down), width >> len(down))
        size = small[0] * small[1] * small[2]
        self.encoder = nn.Sequential(*layers, nn.Flatten(), nn.Linear(size, latent))
        layers = [nn.Linear(latent, size), nn.Unflatten(1, small)]
        for after in up:
            grow = nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1)
            layers += [grow, nn.BatchNorm2d(after), nn.ReLU()]
            before = after
        self.decoder = nn.Sequential(*layers)
        self.factors = None if gaussians is None else gaussians.build(latent, before)
        self.output = nn.Conv2d(before, image[0], 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions of images, both [n, channels, height, width]."""
        latent = self.encoder(x)
        maps = self.decoder(latent)
        if self.factors is not None:
            maps = maps * self.factors(latent)[:, :, None, None].to(maps.dtype)
        return self.output(maps)


def named(variant: str, image: Sequence[int]) -> Autoencoder:
    """One of the paper's variants, ``ae``, ``ae_att``, ``ae_gmnm``, ``ae_att_gmnm``, of the size for these images.

    As in the paper, a convolution of the variants with a GMNM is smaller, so that they have the fewest parameters.
    """
    gmnm = "gmnm" in variant
    return sized(image, gaussians=MIXTURE if gmnm else None, attention="att" in variant, smaller=gmnm)


def sized(
    image: Sequence[int], *, gaussians: Head | None, attention: bool = False, smaller: bool = False
) -> Autoencoder:
    """The autoencoder of the size for these images."""
    if image[1] >= 32:
        down, up, latent = (64, 128, 320, 320), (320, 112 if smaller else 128, 64, 64), 16
    else:
        down, up, latent = (16, 32), (32, 16), 8
    return Autoencoder(image, down=down, up=up, latent=latent, attention=attention, gaussians=gaussians)


MIXTURE = Head("gmnm", components=100)
VARIANTS = ("ae", "ae_att", "ae_gmnm", "ae_att_gmnm")
