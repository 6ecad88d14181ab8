package tables

import "github.com/dyocense/dyocense/shared/fault"

// Kind of a table.
type Kind string

// The kinds, in the order in which a customer meets them.
const (
	Demand    Kind = "demand"
	Stock     Kind = "stock"
	Suppliers Kind = "suppliers"
)

// Kinds are all kinds, in order.
func Kinds() []Kind { return []Kind{Demand, Stock, Suppliers} }

// ErrNoKind is returned for text that names no table.
var ErrNoKind = fault.New(fault.NotFound, "tables.no_such_table",
	"There is no such table; the tables are demand, stock and suppliers.")

// ParseKind reads s, or fails with ErrNoKind.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds() {
		if s == string(k) {
			return k, nil
		}
	}
	return "", ErrNoKind
}

// ValueKind is what the cells of a column hold.
type ValueKind string

// The kinds of values.
const (
	Text    ValueKind = "text"
	Number  ValueKind = "number"
	Integer ValueKind = "integer"
	Date    ValueKind = "date"
	Week    ValueKind = "week" // a date, an ISO week or a week number
)

// FormatField is one column that a table can have.
type FormatField struct {
	Name        string    `json:"name"`
	Title       string    `json:"title"`
	Required    bool      `json:"required"`
	Kind        ValueKind `json:"kind" enum:"text,number,integer,date,week"`
	Description string    `json:"description"` // with the default of an optional field
	Example     string    `json:"example"`

	synonyms []string // folded names that mean this field in other people's files
}

// Format describes the files of one kind.
type Format struct {
	Kind        Kind          `json:"kind" enum:"demand,stock,suppliers"`
	Title       string        `json:"title"`
	Description string        `json:"description"`
	Columns     []FormatField `json:"columns"`
	ExampleCSV  string        `json:"exampleCSV"`
}

// The limits of a file and of what may be in it.
const (
	MaxBytes    = 20 << 20 // of a file
	MaxRows     = 500_000  // without the header
	MaxColumns  = 60
	MaxCell     = 64 << 10 // bytes
	MaxItems    = 2_000    // different SKUs
	MaxPeriods  = 520      // weeks of history: ten years
	MaxNumber   = 1e9      // the largest quantity or price believed
	MaxLeadDays = 730
	maxText     = 200 // characters of a SKU, a name, a unit or a supplier
)

// Formats are the formats of all kinds, in order.
func Formats() []Format { return []Format{demandFormat(), stockFormat(), suppliersFormat()} }

// FormatOf is the format of k.
func FormatOf(k Kind) Format {
	for _, f := range Formats() {
		if f.Kind == k {
			return f
		}
	}
	return Format{}
}

func skuField(description string) FormatField {
	return FormatField{
		Name: "sku", Title: "SKU", Required: true, Kind: Text, Description: description, Example: "COFFEE-1KG",
		synonyms: []string{
			"sku", "productid", "itemid", "product", "item", "productcode", "itemcode", "article", "articlenumber",
			"articleno", "artikel", "artikelnummer", "code", "partnumber", "partno", "part", "ingredient",
			"ingredientname", "itemname", "material", "ean", "barcode", "id", "variantsku", "reference", "ref",
		},
	}
}

func demandFormat() Format {
	return Format{
		Kind: Demand, Title: "Demand history",
		Description: "What was sold or used: one row for each product and week (or day; days are added up to weeks that begin on Monday). At least 8 weeks, better two years.",
		Columns: []FormatField{
			skuField("What identifies the product; the same in all three tables."),
			{
				Name: "week", Title: "Week or date", Required: true, Kind: Week, Example: "2026-02-09",
				Description: "First day of the week or the day itself (2026-02-09, 09.02.2026, 09/02/2026), an ISO week (2026-W07), or a plain week number from 1 on.",
				synonyms: []string{
					"week", "date", "day", "period", "weekstart", "weekstarting", "weekof", "weekbeginning", "woche", "datum",
					"orderdate", "saledate", "salesdate", "isoweek", "yearweek", "weeknumber", "weekno", "semaine", "fecha", "time", "ds", "transactiondate",
				},
			},
			{
				Name: "quantity", Title: "Quantity", Required: true, Kind: Number, Example: "42",
				Description: "Units sold or used in that week or on that day; 0 or more.",
				synonyms: []string{
					"quantity", "qty", "demand", "units", "unitssold", "sold", "sales", "quantitysold", "qtysold", "amount", "menge",
					"anzahl", "dailydemand", "weeklydemand", "volumesold", "used", "usage", "consumption", "y", "value", "netquantity",
				},
			},
		},
		ExampleCSV: "sku,week,quantity\r\nCOFFEE-1KG,2026-02-02,38\r\nCOFFEE-1KG,2026-02-09,42\r\nMILK-1L,2026-02-02,210\r\n",
	}
}

func stockFormat() Format {
	optional := func(name, title, description, example string, kind ValueKind, synonyms ...string) FormatField {
		return FormatField{Name: name, Title: title, Kind: kind, Description: description, Example: example, synonyms: append(synonyms, fold(name))}
	}
	return Format{
		Kind: Stock, Title: "Stock",
		Description: "What is on the shelf today and what it costs: one row for each product.",
		Columns: []FormatField{
			skuField("What identifies the product; the same in all three tables."),
			optional("product_name", "Product name", "Shown in the plan. Without it, the SKU.", "Espresso beans 1 kg", Text,
				"name", "productname", "itemname", "title", "description", "ingredientname", "bezeichnung", "producttitle", "label"),
			optional("unit", "Unit", "What is counted: pcs, kg, l. Without it, pcs.", "pcs", Text, "uom", "unitofmeasure", "einheit", "units"),
			{
				Name: "current_stock", Title: "Current stock", Required: true, Kind: Number, Example: "60",
				Description: "Units on hand now; 0 or more.",
				synonyms: []string{
					"currentstock", "stock", "onhand", "stockonhand", "quantityonhand", "qtyonhand", "inventory", "currentstockkg", "stocklevel",
					"available", "bestand", "lagerbestand", "quantity", "qty", "currentinventory", "instock", "stockqty",
				},
			},
			{
				Name: "unit_cost", Title: "Unit cost", Required: true, Kind: Number, Example: "14.50",
				Description: "What one unit costs to buy, more than 0.",
				synonyms: []string{
					"unitcost", "cost", "costprice", "purchaseprice", "buyprice", "unitprice", "price", "costperunit", "foodcost",
					"einkaufspreis", "ek", "averagecost", "costperitem",
				},
			},
			optional("max_stock", "Most to hold", "Most units to hold at the end of a week. Without it (or 0), no limit.", "200", Number,
				"maxstock", "maxstockkg", "maximumstock", "maxlevel", "max", "maxinventory"),
			optional("volume", "Storage a unit takes", "In your own storage units (m³, shelf metres). Without it, 0.", "0.02", Number,
				"space", "storage", "storageperunit", "volumeperunit", "size", "m3", "cbm"),
			optional("holding_cost", "Holding cost", "Currency for one unit and week. Without it (or 0), the yearly holding rate of the goal times the unit cost.", "0.05", Number,
				"carryingcost", "storagecost", "holdingcostperunit", "h", "cost"),
			optional("on_order_quantity", "On order", "Units already ordered and not here yet. Without it, 0.", "24", Number,
				"onorder", "onorderqty", "incoming", "openorders", "qtyonorder", "quantityonorder", "intransit"),
			optional("on_order_date", "Arrives on", "Day on which they arrive; needed where something is on order.", "2026-03-02", Date,
				"arrivaldate", "eta", "expecteddate", "deliverydate", "expectedarrival", "duedate", "onordereta"),
			optional("location", "Location", "Where it is: a shop, a warehouse. Without it, all is at one place.", "Main street", Text,
				"store", "storename", "shop", "branch", "warehouse", "site", "filiale", "lager", "lagerort", "standort", "outlet"),
		},
		ExampleCSV: "sku,product_name,unit,current_stock,unit_cost,max_stock,on_order_quantity,on_order_date\r\nCOFFEE-1KG,Espresso beans 1 kg,pcs,60,14.50,200,24,2026-03-02\r\nMILK-1L,Milk 1 l,pcs,180,0.92,400,,\r\n",
	}
}

func suppliersFormat() Format {
	optional := func(name, title, description, example string, kind ValueKind, synonyms ...string) FormatField {
		return FormatField{Name: name, Title: title, Kind: kind, Description: description, Example: example, synonyms: append(synonyms, fold(name))}
	}
	return Format{
		Kind: Suppliers, Title: "Suppliers",
		Description: "From whom each product comes and on what terms: one row for each product.",
		Columns: []FormatField{
			skuField("What identifies the product; the same in all three tables."),
			optional("supplier", "Supplier", "Shown in the orders. Without it, “Supplier”.", "Bean Brothers", Text,
				"suppliername", "vendor", "vendorname", "lieferant", "manufacturer", "source"),
			{
				Name: "lead_time_days", Title: "Lead time in days", Required: true, Kind: Integer, Example: "7",
				Description: "Days from ordering to arrival, a whole number from 0 to 730.",
				synonyms:    []string{"leadtimedays", "leadtime", "deliverydays", "daystodeliver", "lieferzeit", "leaddays", "lt", "deliverytime"},
			},
			optional("order_cost", "Cost of an order", "Currency for one order of this product, whatever its size. Without it, 0.", "12", Number,
				"ordercost", "fixedcost", "setupcost", "orderfee", "deliveryfee", "shippingcost", "ordercostfixed"),
			optional("min_order", "Minimum order", "Fewest units in one order. Without it (or 0), none.", "6", Number,
				"minorder", "moq", "minimumorder", "minorderqty", "minimumorderquantity", "minqty", "minorderquantity"),
			optional("pack_size", "Pack size", "Order in multiples of this. Without it (or 0), any whole number.", "6", Number,
				"packsize", "pack", "caseqty", "casesize", "unitspercase", "packqty", "multiple", "ordermultiple", "batchsize", "lotsize"),
		},
		ExampleCSV: "sku,supplier,lead_time_days,order_cost,min_order,pack_size\r\nCOFFEE-1KG,Bean Brothers,7,12,6,6\r\nMILK-1L,Green Dairy,1,5,20,10\r\n",
	}
}
