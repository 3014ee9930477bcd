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
        factors: The head from the latent vector to one factor for each of the decoder's last channels; without it
            they are left as they are.
        around_one: Whether the factors are one more than what the head gives, so that they leave the channels nearly
            as they are at the start.
        scaled: Whether the head sees the latent vector at a standard deviation of 1, near which centres are drawn.
    """

    def __init__(
        self,
        image: Sequence[int],
        *,
        down: Sequence[int],
        up: Sequence[int],
        latent: int,
        attention: bool = False,
        factors: Head | None = None,
        around_one: bool = False,
        scaled: bool = True,
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
        self.factors = None
        if factors is not None:
            scale = nn.BatchNorm1d(latent, affine=False) if scaled else nn.Identity()
            self.factors = nn.Sequential(scale, factors.build(latent, before))
        self.around_one = around_one
        self.output = nn.Conv2d(before, image[0], 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions of images, both [n, channels, height, width]."""
        latent = self.encoder(x)
        maps = self.decoder(latent)
        if self.factors is not None:
            weights = self.factors(latent) + (1.0 if self.around_one else 0.0)
            maps = maps * weights[:, :, None, None].to(maps.dtype)
        return self.output(maps)


def named(variant: str, image: Sequence[int]) -> Autoencoder:
    """One of the paper's variants, ``ae``, ``ae_att``, ``ae_gmnm``, ``ae_att_gmnm``, of the size for these images.

    As in the paper, a convolution of those with factors is smaller, so that they have the fewest parameters. To compare
    with: ``ae_linear`` and ``ae_mlp``, with factors from layers of these kinds; and behind any of them ``_one`` for
    factors around one, and ``_raw`` for factors of the latent vector as it is.
    """
    kind = next((kind for kind in ("gmnm", "mlp", "linear") if kind in variant), None)
    head = None if kind is None else Head(kind, components=MIXTURE.components)
    how = {"attention": "att" in variant, "around_one": "_one" in variant, "scaled": "_raw" not in variant}
    return sized(image, factors=head, smaller=head is not None, **how)


def sized(image: Sequence[int], *, factors: Head | None, smaller: bool = False, **how: bool) -> Autoencoder:
    """The autoencoder of the size for these images; ``how`` are further arguments of it."""
    if image[1] >= 32:
        down, up, latent = (64, 128, 320, 320), (320, 112 if smaller else 128, 64, 64), 16
    else:
        down, up, latent = (16, 32), (32, 16), 8
    return Autoencoder(image, down=down, up=up, latent=latent, factors=factors, **how)


MIXTURE = Head("gmnm", components=100)
VARIANTS = ("ae", "ae_att", "ae_gmnm", "ae_att_gmnm")
WEIGHED = (*VARIANTS, "ae_linear", "ae_mlp", "ae_gmnm_one", "ae_mlp_one", "ae_gmnm_raw")
