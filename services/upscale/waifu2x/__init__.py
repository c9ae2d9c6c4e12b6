"""waifu2x: nets that double a picture per pass, run on ncnn in tiles that leave no seam."""
