/** Theme and palette. Without a choice the page follows the system. */

type Theme = 'light' | 'dark'
type Palette = 'green' | 'blue'

const root = document.documentElement
const system = matchMedia('(prefers-color-scheme: dark)')

class Look {
  theme = $state<Theme>(chosenTheme() ?? systemTheme())
  palette = $state<Palette>(root.dataset['palette'] === 'blue' ? 'blue' : 'green')

  constructor() {
    system.addEventListener('change', () => {
      if (!chosenTheme()) this.theme = systemTheme()
    })
  }

  turnTheme(): void {
    this.theme = this.theme === 'dark' ? 'light' : 'dark'
    keep('theme', this.theme)
  }

  turnPalette(): void {
    this.palette = this.palette === 'green' ? 'blue' : 'green'
    keep('palette', this.palette)
  }
}

function chosenTheme(): Theme | null {
  const chosen = root.dataset['theme']
  return chosen === 'light' || chosen === 'dark' ? chosen : null
}

function systemTheme(): Theme {
  return system.matches ? 'dark' : 'light'
}

function keep(name: 'theme' | 'palette', value: string): void {
  root.dataset[name] = value
  try {
    localStorage.setItem(`fillbook.${name}`, value)
  } catch {
    // Storage may be refused: the choice then lasts as long as the page.
  }
}

export const look = new Look()
